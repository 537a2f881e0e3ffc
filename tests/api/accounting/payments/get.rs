//! `GET /accounting/payments/{id}`: one payment, as it was created.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

use crate::support::app::{App, PAYMENTS, page_example, small_payment};

const UNKNOWN: &str = "0197a3c2-5b7e-7c40-8a51-3f0b6a9d2e11";

#[tokio::test]
async fn payment_is_read_as_it_was_created() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let mut body = page_example();
    body["transaction_date"] = json!("2024-06-15T23:30:00-05:00");
    body["exchange_rate"] = json!("1.20");
    body["line_items"].as_array_mut().expect("items").extend([
        json!({}),
        json!({ "value": -1, "applied_amount": 2, "applied_date": "2024-06-16T01:00:00+02:00",
            "related_object_id": UNKNOWN, "related_object_type": "invoice" }),
    ]);
    body["no_such_member"] = json!(1);
    let created = app.create(&tenant, &body).await;
    assert_eq!(created.status, 201, "{}", created.text);

    let read = app.get(&tenant, created.header("location")).await;
    assert_eq!(read.status, 200);
    assert_eq!(read.header("content-type"), "application/json");
    assert_eq!(read.header("location"), "");
    let mut expected = created.json();
    assert!(expected.as_object_mut().expect("an object").remove("warnings").is_some());
    assert_eq!(read.json(), expected);
    // Compares the text too, because a JSON reader hides digits and the order of members.
    let (without_warnings, _) = created.text.split_once(",\"warnings\"").expect("warnings");
    assert_eq!(read.text, format!("{without_warnings}}}"));
}

#[tokio::test]
async fn reading_twice_answers_the_same_bytes() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let created = app.create(&tenant, &page_example()).await;
    let (first, second) =
        (app.get(&tenant, created.header("location")).await, app.get(&tenant, created.header("location")).await);
    assert_eq!(first.text, second.text);
}

#[tokio::test]
async fn unknown_foreign_and_malformed_ids_get_the_same_answer() {
    let app = App::new().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let foreign = app.create(&other, &small_payment()).await.json()["id"].as_str().expect("an id").to_owned();
    let siblings = app.connection(tenant.project_id, crate::support::app::CredentialOptions::default()).await.1;
    let sibling = crate::support::app::Tenant { connection_token: siblings, ..tenant.clone() };
    let siblings_payment =
        app.create(&sibling, &small_payment()).await.json()["id"].as_str().expect("an id").to_owned();

    let mut answers = Vec::new();
    for id in [
        UNKNOWN,
        &foreign,
        &siblings_payment,
        "1",
        "undefined",
        "..",
        "%00",
        "%20",
        "%7B801f9ede-c698-4e66-a7fc-48d19eebaa4f%7D",
        "801f9edec6984e66a7fc48d19eebaa4f",
        "urn:uuid:801f9ede-c698-4e66-a7fc-48d19eebaa4f",
        "00000000-0000-0000-0000-000000000000",
        &"x".repeat(5_000),
    ] {
        let path = format!("{PAYMENTS}/{id}");
        let answer = app.get(&tenant, &path).await;
        assert_eq!(answer.problem(), (404, "payment_not_found".to_owned()), "{id}");
        let mut body = answer.json();
        assert_eq!(body["instance"], json!(path));
        for own in ["instance", "request_id"] {
            body[own] = Value::Null;
        }
        let mut headers = answer.headers;
        for own in ["x-request-id", "server-timing", "content-length"] {
            headers.remove(own);
        }
        answers.push((body, headers));
    }
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
}

#[tokio::test]
async fn id_that_is_not_utf_8_is_not_found() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let answer = app.get(&tenant, &format!("{PAYMENTS}/%FF")).await;
    assert_eq!(answer.problem(), (404, "payment_not_found".to_owned()), "{}", answer.text);
}

#[tokio::test]
async fn id_is_read_in_any_letter_case() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let created = app.create(&tenant, &small_payment()).await.json();
    let id = created["id"].as_str().expect("an id").to_uppercase();
    assert_eq!(app.get(&tenant, &format!("{PAYMENTS}/{id}")).await.json(), created);
}

#[tokio::test]
async fn unknown_query_parameter_is_named() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let path = app.create(&tenant, &small_payment()).await.header("location").to_owned();
    let answer = app.get(&tenant, &format!("{path}?remoteData=true&limit=1")).await;
    assert_eq!(answer.problem(), (422, "invalid_query".to_owned()));
    let faults = answer.faults();
    let faults: Vec<_> = faults.iter().map(|(place, code)| (place.as_str(), code.as_str())).collect();
    assert_eq!(faults, [("limit", "unknown_parameter"), ("remoteData", "unknown_parameter")]);
}

#[tokio::test]
async fn remote_data_is_answered_only_on_request() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let path = app.create(&tenant, &small_payment()).await.header("location").to_owned();
    sqlx::query("update payment set remote_data = '{\"raw\":1.50}', remote_id = 'r-1'")
        .execute(&mut app.connect().await)
        .await
        .expect("updated");
    for (query, asked_for) in [("", false), ("?remote_data=false", false), ("?remote_data=true", true)] {
        let answer = app.get(&tenant, &format!("{path}{query}")).await;
        assert_eq!(answer.text.contains(r#""remote_data":{"raw":1.50}"#), asked_for, "{query}");
        assert_eq!(answer.json()["remote_data"].is_null(), !asked_for, "{query}");
        assert_eq!(answer.json()["remote_id"], "r-1");
        let list = app.get(&tenant, &format!("{PAYMENTS}{query}")).await;
        assert_eq!(list.text.contains(r#""remote_data":{"raw":1.50}"#), asked_for, "{query}");
    }
    let answer = app.get(&tenant, &format!("{path}?remote_data=yes")).await;
    assert_eq!(answer.faults(), [("remote_data".to_owned(), "invalid_boolean".to_owned())]);
}

#[tokio::test]
async fn head_answers_like_get_without_a_body() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let path = app.create(&tenant, &small_payment()).await.header("location").to_owned();
    for (path, status) in [(path, 200), (format!("{PAYMENTS}/{UNKNOWN}"), 404)] {
        let answer = app.send(tenant.request(Method::HEAD, &path).body(Body::empty()).expect("a request")).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (status, ""), "{path}");
        assert_eq!(answer.header("content-type"), app.get(&tenant, &path).await.header("content-type"));
    }
}
