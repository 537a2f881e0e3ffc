//! Create calls of connections with software: what is checked before a payment is stored, and how the call then waits.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use sqlx::Connection;
use tokio::time::timeout;
use unibooks::config::ServerSettings;
use unibooks::domain::Clock;
use uuid::Uuid;

use crate::support::app::{Answer, App, PAYMENTS, Tenant, unlimited};
use crate::support::connected::{account, invoice, payment};
use crate::support::postgres;

/// A server with these settings, and a connection with software.
async fn books_with(settings: ServerSettings) -> (App, Tenant) {
    let app = App::with_settings(postgres::migrated().await, Clock::system(), &settings).await;
    let tenant = app.tenant_with_software().await;
    (app, tenant)
}

async fn books() -> (App, Tenant) {
    books_with(unlimited()).await
}

async fn create(app: &App, tenant: &Tenant, prefer: &str, body: &Value) -> Answer {
    app.create_with(tenant, &[("prefer", prefer)], body.to_string()).await
}

#[track_caller]
fn assert_pending(answer: &Answer) {
    assert_eq!(answer.status, 201, "{}", answer.text);
    let body = answer.json();
    assert_eq!((&body["remote_status"], &body["remote_id"]), (&json!("pending"), &Value::Null));
}

#[tokio::test]
async fn client_that_does_not_wait_is_answered_at_once() {
    let (app, tenant) = books().await;
    let answer = create(&app, &tenant, "respond-async", &payment(&tenant)).await;
    assert_pending(&answer);
    assert_eq!(answer.header("preference-applied"), "respond-async");
    assert_eq!(app.begun_write(&tenant).await.to_string(), answer.json()["id"].as_str().expect("an id"));
    let read = app.get(&tenant, answer.header("location")).await.json();
    assert_eq!(read["remote_status"], "pending");
}

#[tokio::test]
async fn payment_that_is_taken_in_time_is_answered_as_applied() {
    let (app, tenant) = books().await;
    let body = payment(&tenant);
    let software = async { app.apply(&tenant, app.begun_write(&tenant).await).await };
    let path = format!("{PAYMENTS}?remote_data=true");
    let call = tenant.request(axum::http::Method::POST, &path).header("content-type", "application/json");
    let call = app.send(call.header("idempotency-key", "one").body(body.to_string().into()).expect("a request"));
    let (answer, ()) = tokio::join!(call, software);
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert!(!answer.headers.contains_key("preference-applied"), "nothing was preferred");
    let first = answer.json();
    assert_eq!((&first["remote_id"], &first["remote_status"]), (&json!("15"), &json!("applied")));
    assert_eq!(first["remote_data"], json!({ "id": "15" }));
    assert_ne!(first["modified_at"], first["created_at"]);
}

#[tokio::test]
async fn call_waits_no_longer_than_its_client_prefers() {
    let (app, tenant) = books().await;
    let answer = create(&app, &tenant, "wait=1", &payment(&tenant)).await;
    assert_pending(&answer);
    assert_eq!(answer.header("preference-applied"), "wait=1");
}

#[tokio::test]
async fn wait_ends_before_the_request_timeout() {
    for request_timeout in [1, 3] {
        let (app, tenant) = books_with(ServerSettings { request_timeout, ..unlimited() }).await;
        assert_pending(&create(&app, &tenant, "wait=3600", &payment(&tenant)).await);
    }
}

#[tokio::test]
async fn call_above_the_limit_of_its_connection_does_not_wait() {
    let (app, tenant) = books_with(ServerSettings { max_waiting_calls: 1, ..unlimited() }).await;
    let second = async {
        let first = app.begun_write(&tenant).await;
        let mut body = payment(&tenant);
        body["invoice_id"] = json!(invoice(&tenant, "16"));
        assert_pending(&create(&app, &tenant, "wait=3600", &body).await);
        app.apply(&tenant, first).await;
    };
    let body = payment(&tenant);
    let (first, ()) = tokio::join!(create(&app, &tenant, "wait=13", &body), second);
    assert_eq!(first.json()["remote_status"], "applied", "{}", first.text);
    // Its place is free again.
    let third = async { app.apply(&tenant, app.begun_of(&tenant, 15_000).await).await };
    let mut body = payment(&tenant);
    body["total_amount"] = json!(15_000);
    let (answer, ()) = tokio::join!(create(&app, &tenant, "wait=13", &body), third);
    assert_eq!(answer.json()["remote_status"], "applied", "{}", answer.text);
}

impl App {
    /// The payment of this amount whose write has begun, once it is there.
    async fn begun_of(&self, tenant: &Tenant, amount: i64) -> Uuid {
        let mut session = self.connect().await;
        loop {
            let query = "select id from payment where connection_id = $1 and total_amount = $2";
            let row = sqlx::query_scalar(query).bind(tenant.connection_id.0).bind(amount);
            if let Some(id) = row.fetch_optional(&mut session).await.expect("an answer") {
                return id;
            }
        }
    }
}

#[tokio::test]
async fn waiting_call_holds_no_place_of_the_others() {
    let (app, tenant) = books_with(ServerSettings { max_requests: 1, ..unlimited() }).await;
    let others = async {
        let begun = app.begun_write(&tenant).await;
        // There is one place. It is returned a moment after the payment is stored.
        crate::support::wait::until("its place is free", async || app.get(&tenant, PAYMENTS).await.status == 200).await;
        app.apply(&tenant, begun).await;
    };
    let body = payment(&tenant);
    let (answer, ()) = tokio::join!(create(&app, &tenant, "wait=13", &body), others);
    assert_eq!(answer.json()["remote_status"], "applied", "{}", answer.text);
}

#[tokio::test]
async fn stopping_server_answers_the_calls_that_wait() {
    let (app, tenant) = books().await;
    let stop = async {
        app.begun_write(&tenant).await;
        app.calls.end();
    };
    let body = payment(&tenant);
    let (answer, ()) = tokio::join!(create(&app, &tenant, "wait=13", &body), stop);
    assert_pending(&answer);
}

#[tokio::test]
async fn database_that_fails_after_the_commit_changes_no_answer() {
    let (app, tenant) = books().await;
    let mut session = app.connect().await;
    let failure = async {
        app.begun_write(&tenant).await;
        sqlx::raw_sql("begin; lock table payment in access exclusive mode")
            .execute(&mut session)
            .await
            .expect("locked");
    };
    let body = payment(&tenant);
    let (answer, ()) = tokio::join!(create(&app, &tenant, "wait=1", &body), failure);
    assert_pending(&answer);
    session.close().await.expect("unlocked");
}

#[tokio::test]
async fn nobody_waits_for_software_that_may_not_be_called() {
    let (app, tenant) = books_with(ServerSettings { request_timeout: 3_600, ..unlimited() }).await;
    for status in ["paused", "needs_reauth"] {
        let set = "update connection_software set status = $2 where connection_id = $1";
        let set = sqlx::query(set).bind(tenant.connection_id.0).bind(status);
        set.execute(&mut app.connect().await).await.expect("set");
        let body = payment(&tenant);
        let answer = timeout(Duration::from_mins(1), create(&app, &tenant, "wait=3600", &body));
        assert_pending(&answer.await.expect("no wait"));
    }
}

#[tokio::test]
async fn calls_that_are_checked_together_get_their_own_faults() {
    let (app, tenant) = books().await;
    let other = app.tenant_with_software().await;
    let code = |code: &str| vec![("/invoice_id".to_owned(), code.to_owned())];
    let kinds = [
        (&tenant, invoice(&tenant, "15"), vec![]),
        (&tenant, invoice(&tenant, "17"), code("not_payable")),
        (&tenant, invoice(&other, "15"), code("unknown_reference")),
        (&other, invoice(&other, "15"), vec![]),
        (&other, invoice(&tenant, "15"), code("unknown_reference")),
    ];
    let calls = (0..20).flat_map(|_| &kinds).map(async |(tenant, invoice, faults)| {
        let mut body = payment(tenant);
        body["invoice_id"] = json!(invoice);
        let answer = create(&app, tenant, "respond-async", &body).await;
        if faults.is_empty() {
            assert_pending(&answer);
        } else {
            assert_eq!(&answer.faults(), faults);
        }
    });
    join_all(calls).await;
    assert_eq!(app.count().await, 40);
}

#[tokio::test]
async fn what_software_cannot_take_is_refused_with_all_faults() {
    let (app, tenant) = books().await;
    let body = json!({
        "invoice_id": invoice(&tenant, "17"), "account_id": account(&tenant, "8"), "total_amount": 0,
        "currency": "EUR", "contact_id": Uuid::nil(), "line_items": [{ "applied_amount": 1 }],
    });
    let answer = app.create_under(&tenant, "free", &body).await;
    assert_eq!(answer.problem(), (422, "invalid_body".to_owned()));
    let faults = answer.faults();
    let faults: Vec<_> = faults.iter().map(|(pointer, code)| (pointer.as_str(), code.as_str())).collect();
    let expected = [
        ("/transaction_date", "required"),
        ("/total_amount", "not_positive"),
        ("/account_id", "unknown_reference"),
        ("/contact_id", "unknown_reference"),
        ("/line_items/0/related_object_id", "required"),
        ("/invoice_id", "contradiction"),
    ];
    assert_eq!(faults, expected);
    assert_eq!(app.count().await, 0);
    // What only the connector knows, after everything else is right.
    let mut no_method = payment(&tenant);
    let forget = "update reference set remote_data = '{\"id\": 7, \"payment_methods\": []}' where resource = 'account'";
    sqlx::raw_sql(forget).execute(&mut app.connect().await).await.expect("forgotten");
    let answer = app.create_under(&tenant, "free", &no_method).await;
    assert_eq!(answer.faults(), [("/account_id".to_owned(), "no_payment_method".to_owned())]);
    assert_eq!(app.count().await, 0, "the key is free");
    // An object that is gone in the software is unknown.
    let gone = "update reference set remote_was_deleted = true where resource = 'invoice'";
    sqlx::raw_sql(gone).execute(&mut app.connect().await).await.expect("gone");
    no_method["account_id"] = Value::Null;
    let codes = [("/account_id", "required"), ("/invoice_id", "unknown_reference")];
    let codes = codes.map(|(pointer, code)| (pointer.to_owned(), code.to_owned()));
    assert_eq!(app.create(&tenant, &no_method).await.faults(), codes);
}

#[tokio::test]
async fn ignored_members_are_warned_of_in_every_answer() {
    let (app, tenant) = books().await;
    let mut body = payment(&tenant);
    body["exchange_rate"] = json!("1.2");
    body["odd"] = json!(1);
    let headers = [("prefer", "respond-async"), ("idempotency-key", "one")];
    let first = app.create_with(&tenant, &headers, body.to_string()).await.json();
    let warnings = first["warnings"].as_array().expect("warnings").iter();
    let warnings: Vec<_> = warnings.map(|one| (one["pointer"].clone(), one["code"].clone())).collect();
    let of_both = [("/exchange_rate", "ignored_by_software"), ("/odd", "unknown_member")];
    assert_eq!(warnings, of_both.map(|(pointer, code)| (json!(pointer), json!(code))));
    assert_eq!(app.create_with(&tenant, &headers, body.to_string()).await.json()["warnings"], first["warnings"]);
}

#[tokio::test]
async fn capabilities_are_those_that_create_calls_are_checked_by() {
    let (app, tenant) = books().await;
    let answer = app.get(&tenant, "/connections/capabilities").await.json();
    assert_eq!((&answer["provider"], &answer["name"]), (&json!("tryton"), &json!("Tryton")));
    let members = answer["payments"]["members"].as_array().expect("members").clone();
    let names = |member: &str| -> Vec<Value> {
        members.iter().filter(|entry| entry[member] == true).map(|entry| entry["name"].clone()).collect()
    };
    let empty = app.create(&tenant, &json!({ "exchange_rate": "1.2" })).await.faults();
    let required = empty.iter().filter(|(_, code)| code == "required");
    let required: Vec<_> = required.map(|(pointer, _)| json!(pointer.trim_start_matches('/'))).collect();
    for name in names("required") {
        assert!(required.contains(&name), "{name} is not required: {empty:?}");
    }
    assert_eq!(names("ignored"), ["exchange_rate"]);
    let none = app.get(&app.tenant().await, "/connections/capabilities").await.json();
    assert_eq!(none, json!({ "provider": "none", "name": null, "payments": null }));
    let answer = app.get(&tenant, "/connections/capabilities?x=1").await;
    assert_eq!(answer.faults(), [("x".to_owned(), "unknown_parameter".to_owned())]);
}
