//! `GET /accounting/…/{id}` of what payments refer to.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};
use unibooks::domain::references::Resource;
use unibooks::domain::{ApiKeyScope, ApiKeyScopes};
use uuid::Uuid;

use crate::support::app::{App, CredentialOptions, Tenant};
use crate::support::references::{Side, path, sample, store};

#[tokio::test]
async fn object_is_read_by_the_id_of_the_list() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for &resource in Resource::ALL {
        let id = store(&app, &tenant, resource, "15", &sample(resource, Side::One, "a")).await;
        let read = app.get(&tenant, &format!("{}/{id}", path(resource))).await;
        assert_eq!(read.status, 200, "{}", read.text);
        assert_eq!(read.header("content-type"), "application/json");
        let listed = app.get(&tenant, path(resource)).await;
        assert_eq!(listed.json()["data"], json!([read.json()]));
        assert!(listed.text.contains(&read.text), "to the letter");
    }
}

#[tokio::test]
async fn every_wrong_id_gets_the_same_404() {
    let app = App::new().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    for &resource in Resource::ALL {
        let foreign = store(&app, &other, resource, "15", &sample(resource, Side::One, "a")).await;
        let elsewhere = Resource::ALL.iter().find(|other| **other != resource).expect("another resource");
        let of_other = store(&app, &tenant, *elsewhere, &format!("{resource:?}"), &json!({})).await;
        let mut answers = Vec::new();
        for id in
            [&foreign.to_string(), &of_other.to_string(), &Uuid::now_v7().to_string(), "15", "undefined", "%FF", ".."]
        {
            let answer = app.get(&tenant, &format!("{}/{id}", path(resource))).await;
            assert_eq!(answer.problem(), (404, "reference_not_found".to_owned()), "{id}");
            let mut body = answer.json();
            for own in ["instance", "request_id"] {
                body[own] = Value::Null;
            }
            answers.push(body);
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }
}

/// The client libraries send an empty id as this path: it must never be the list (resources contract, section 1.1).
#[tokio::test]
async fn path_with_a_slash_at_its_end_is_not_the_list() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for &resource in Resource::ALL {
        let answer = app.get(&tenant, &format!("{}/", path(resource))).await;
        assert_eq!(answer.problem(), (404, "route_not_found".to_owned()), "{resource:?}");
    }
}

#[tokio::test]
async fn nothing_is_created_or_changed_over_http() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for &resource in Resource::ALL {
        for (method, path) in [
            (Method::POST, path(resource).to_owned()),
            (Method::PUT, format!("{}/{}", path(resource), Uuid::now_v7())),
            (Method::DELETE, format!("{}/{}", path(resource), Uuid::now_v7())),
        ] {
            let request = tenant.request(method, &path).header("content-type", "application/json");
            let answer = app.send(request.body(Body::from("{}")).expect("a request")).await;
            assert_eq!(answer.problem(), (405, "method_not_allowed".to_owned()), "{path}");
            assert_eq!(answer.header("allow"), "GET,HEAD", "{path}");
        }
    }
}

#[tokio::test]
async fn own_record_is_answered_only_on_request() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let invoice = sample(Resource::Invoice, Side::One, "a");
    let id = store(&app, &tenant, Resource::Invoice, "15", &invoice).await;
    sqlx::query("update reference set remote_data = '{\"amount\":1.50}'")
        .execute(&mut app.connect().await)
        .await
        .expect("updated");
    for (query, asked_for) in [("", false), ("?remote_data=false", false), ("?remote_data=true", true)] {
        for path in [format!("/accounting/invoices/{id}{query}"), format!("/accounting/invoices{query}")] {
            let text = app.get(&tenant, &path).await.text;
            assert_eq!(text.contains(r#""remote_data":{"amount":1.50}"#), asked_for, "{path}: {text}");
            assert_eq!(text.contains(r#""remote_data":null"#), !asked_for, "{path}: {text}");
        }
    }
}

#[tokio::test]
async fn object_that_is_gone_is_still_answered() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let id = store(&app, &tenant, Resource::Contact, "15", &sample(Resource::Contact, Side::One, "a")).await;
    sqlx::query("update reference set remote_was_deleted = true")
        .execute(&mut app.connect().await)
        .await
        .expect("updated");
    let read = app.get(&tenant, &format!("/accounting/contacts/{id}")).await.json();
    assert_eq!((&read["remote_was_deleted"], &read["name"]), (&json!(true), &json!("name a")));
    assert_eq!(app.get(&tenant, "/accounting/contacts").await.json()["data"], json!([read]));
}

#[tokio::test]
async fn key_without_the_scope_is_refused() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let scopes: ApiKeyScopes = [ApiKeyScope::PaymentsRead, ApiKeyScope::PaymentsWrite].into_iter().collect();
    let (_, api_key) = app.key(tenant.project_id, CredentialOptions { scopes, expires_at: None }).await;
    let tenant = Tenant { api_key, ..tenant };
    for &resource in Resource::ALL {
        for path in [path(resource).to_owned(), format!("{}/{}", path(resource), Uuid::now_v7())] {
            let answer = app.get(&tenant, &path).await;
            assert_eq!(answer.problem(), (403, "missing_scope".to_owned()), "{path}");
            assert!(answer.text.contains("accounting:read"), "{}", answer.text);
        }
    }
}
