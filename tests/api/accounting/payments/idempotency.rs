//! `POST /accounting/payments` with an `Idempotency-Key`.

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use unibooks::domain::Clock;

use crate::support::app::{Answer, App, CredentialOptions, PAYMENTS, Tenant, page_example, small_payment};
use crate::support::payment_lock::PaymentLock;

const KEY: &str = "invoice-2024-06-15/1";

#[track_caller]
fn assert_replay(answer: &Answer, first: &Answer) {
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.text, first.text);
    assert_eq!(answer.header("idempotent-replayed"), "true");
    for name in ["content-type", "location"] {
        assert_eq!(answer.header(name), first.header(name));
    }
}

#[track_caller]
fn assert_reused(answer: &Answer) {
    assert_eq!(answer.problem(), (422, "idempotency_key_reused".to_owned()), "{}", answer.text);
    assert_eq!(answer.json()["retryable"], false);
    assert_eq!(answer.header("idempotent-replayed"), "");
}

async fn create(app: &App, tenant: &Tenant, query: &str, body: &str) -> Answer {
    let request = tenant
        .request(Method::POST, &format!("{PAYMENTS}{query}"))
        .header("content-type", "application/json")
        .header("idempotency-key", KEY)
        .body(body.to_owned().into());
    app.send(request.expect("a request")).await
}

#[tokio::test]
async fn repetition_gets_the_same_bytes_and_stores_nothing() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let first = app.create_under(&tenant, KEY, &page_example()).await;
    assert_eq!(first.status, 201, "{}", first.text);
    assert_eq!(first.header("idempotent-replayed"), "");
    for _ in 0..3 {
        assert_replay(&app.create_under(&tenant, KEY, &page_example()).await, &first);
    }
    assert_eq!(app.count().await, 1);
}

#[tokio::test]
async fn another_server_gives_the_same_answer() {
    let app = App::new().await;
    let other = App::on(app.options.clone(), Clock::system()).await;
    let tenant = app.tenant().await;
    let body = json!({ "transaction_date": "2024-06-15T12:00:00.5-05:00", "tracking_categories": [],
        "exchange_rate": "1.200", "field_mappings": { "b": 1, "a": "é" }, "line_items": [{}, { "value": 0 }] });
    let first = app.create_under(&tenant, KEY, &body).await;
    assert_replay(&other.create_under(&tenant, KEY, &body).await, &first);
}

#[tokio::test]
async fn key_is_the_same_with_and_without_quotes() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let first = app.create_under(&tenant, KEY, &small_payment()).await;
    assert_replay(&app.create_under(&tenant, &format!("\"{KEY}\""), &small_payment()).await, &first);
    assert_eq!(app.count().await, 1);
}

#[tokio::test]
async fn equal_meaning_is_the_same_request() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let first = create(
        &app,
        &tenant,
        "",
        r#"{"total_amount":10000,"currency":"USD","type":null,"line_items":[{"value":5,"name":"a"}],
            "field_mappings":{"a":1,"b":[1.50]}}"#,
    )
    .await;
    for (query, body) in [
        (
            "?remote_data=false",
            r#"{ "line_items" : [ { "name" : "\u0061", "value" : 5.0, "type":null } ], "currency" : "usd",
                "field_mappings":{ "b":[ 1.50 ],"a":1}, "total_amount" : 10000.0 }"#,
        ),
        (
            "",
            r#"{"total_amount":1e4,"currency":"USD","line_items":[{"value":5,"name":"a"}],
                "field_mappings":{"a":1,"b":[1.50]},"invoice_id":null}"#,
        ),
    ] {
        assert_replay(&create(&app, &tenant, query, body).await, &first);
    }
    assert_eq!(app.count().await, 1);
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let first = create(&app, &tenant, "", &page_example().to_string()).await;
    let changed = |member: &str, value: Value| {
        let mut body = page_example();
        *body.pointer_mut(member).expect("a member") = value;
        body.to_string()
    };
    for body in [
        changed("/total_amount", json!(10001)),
        changed("/total_amount", Value::Null),
        changed("/exchange_rate", json!("1.20")),
        changed("/transaction_date", json!("2024-06-15T13:00:00+01:00")),
        changed("/type", json!("credit card")),
        changed("/tracking_categories", json!([])),
        changed("/line_items/0/value", json!(1)),
        changed("/line_items/0/name", Value::Null),
        changed("/line_items", json!([])),
        changed("/field_mappings", json!({})),
        changed("/field_mappings/custom_field_1", json!("other")),
        "{}".to_owned(),
    ] {
        assert_reused(&create(&app, &tenant, "", &body).await);
    }
    assert_reused(&create(&app, &tenant, "?remote_data=true", &page_example().to_string()).await);
    assert_replay(&create(&app, &tenant, "", &page_example().to_string()).await, &first);
    assert_eq!(app.count().await, 1);
}

#[tokio::test]
async fn digits_of_custom_fields_are_part_of_the_request() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let first = create(&app, &tenant, "", r#"{"total_amount":1,"field_mappings":{"a":1}}"#).await;
    assert_reused(&create(&app, &tenant, "", r#"{"total_amount":1,"field_mappings":{"a":1.0}}"#).await);
    assert_replay(&create(&app, &tenant, "", r#"{"total_amount":1.0,"field_mappings":{"a":1}}"#).await, &first);
}

#[tokio::test]
async fn every_call_without_a_key_is_a_payment() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let (first, second) = (app.create(&tenant, &small_payment()).await, app.create(&tenant, &small_payment()).await);
    assert_ne!(first.json()["id"], second.json()["id"]);
    assert_eq!(app.count().await, 2);
}

#[tokio::test]
async fn malformed_key_is_refused_and_stores_nothing() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let refused = (400, "invalid_idempotency_key".to_owned());
    let too_long = "k".repeat(256);
    for key in ["", " ", "\"\"", "\"a", "\"a\"b\"", "\"a\\n\"", "é", "a\tb", &too_long] {
        let answer = app.create_under(&tenant, key, &small_payment()).await;
        assert_eq!(answer.problem(), refused, "{key:?}");
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "a")];
    assert_eq!(app.create_with(&tenant, &twice, small_payment().to_string()).await.problem(), refused);
    assert_eq!(app.count().await, 0);
    assert_eq!(app.create_under(&tenant, &"k".repeat(255), &small_payment()).await.status, 201);
}

#[tokio::test]
async fn key_belongs_to_one_connection() {
    let app = App::new().await;
    let (tenant, stranger) = (app.tenant().await, app.tenant().await);
    let (_, token) = app.connection(tenant.project_id, CredentialOptions::default()).await;
    let sibling = Tenant { connection_token: token, ..tenant.clone() };
    let mut ids = Vec::new();
    for tenant in [&tenant, &stranger, &sibling] {
        let answer = app.create_under(tenant, KEY, &small_payment()).await;
        assert_eq!((answer.status.as_u16(), answer.header("idempotent-replayed")), (201, ""));
        ids.push(answer.json()["id"].to_string());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn another_api_key_of_the_project_may_repeat_a_request() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let first = app.create_under(&tenant, KEY, &small_payment()).await;
    let (_, api_key) = app.key(tenant.project_id, CredentialOptions::default()).await;
    assert_replay(&app.create_under(&Tenant { api_key, ..tenant }, KEY, &small_payment()).await, &first);
}

#[tokio::test]
async fn failed_request_leaves_its_key_free() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for body in ["{", r#"{"currency":7}"#, r#"{"total_amount":0.5}"#] {
        assert!(create(&app, &tenant, "", body).await.status.is_client_error());
    }
    assert_eq!(create(&app, &tenant, "?nonsense=1", "{}").await.status, 422);
    let answer = create(&app, &tenant, "", &small_payment().to_string()).await;
    assert_eq!((answer.status.as_u16(), answer.header("idempotent-replayed")), (201, ""));
}

#[tokio::test]
async fn repetition_repeats_the_warnings() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let first = create(&app, &tenant, "", r#"{"transaction_date":"2024-06-15T12:00:00","totalAmount":1}"#).await;
    assert_eq!(first.json()["warnings"].as_array().map(Vec::len), Some(2));
    // Unknown members do not count, and the assumed offset was zero: this is the same request.
    let again = create(&app, &tenant, "", r#"{"transaction_date":"2024-06-15T12:00:00Z"}"#).await;
    assert_replay(&again, &first);
}

/// The number of batches that must be in the middle of their insert at once: one for each server.
const IN_THE_MIDDLE: u32 = 2;

/// Sends all `bodies` with one key, half of them to a second server. Batches of both servers are in the middle of their
/// insert before any can finish.
async fn send_concurrently(bodies: Vec<Value>) -> (Arc<App>, Vec<Answer>) {
    let app = Arc::new(App::new().await);
    let other = Arc::new(App::on(app.options.clone(), Clock::system()).await);
    let tenant = app.tenant().await;
    let mut lock = PaymentLock::acquire(&app).await;

    let mut requests = JoinSet::new();
    for (index, body) in bodies.into_iter().enumerate() {
        let (app, tenant) = (Arc::clone(if index % 2 == 0 { &app } else { &other }), tenant.clone());
        requests.spawn(async move { app.create_under(&tenant, KEY, &body).await });
    }
    lock.until_blocked(IN_THE_MIDDLE).await;
    assert!(requests.try_join_next().is_none(), "no call can have an answer yet");
    lock.release().await;
    (app, requests.join_all().await)
}

#[tokio::test]
async fn twenty_twins_on_two_servers_are_one_payment_and_one_answer() {
    let (app, answers) = send_concurrently(vec![page_example(); 20]).await;
    assert_eq!(answers.len(), 20);
    let first = answers.iter().find(|answer| answer.header("idempotent-replayed").is_empty()).expect("one first");
    let replays = answers.iter().filter(|answer| answer.header("idempotent-replayed") == "true");
    assert_eq!(replays.map(|answer| assert_replay(answer, first)).count(), 19);
    assert_eq!(app.count().await, 1);
}

#[tokio::test]
async fn one_of_many_requests_under_a_key_wins() {
    let bodies = (0..20).map(|amount| json!({ "total_amount": amount, "line_items": [{}] })).collect();
    let (app, answers) = send_concurrently(bodies).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((won.len(), lost.len()), (1, 19));
    lost.into_iter().for_each(assert_reused);
    assert_eq!(app.count().await, 1);
}
