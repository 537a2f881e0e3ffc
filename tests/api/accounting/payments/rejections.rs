//! Payments that the software refuses, repetitions of create calls after it has spoken, and what it said.

use serde_json::{Value, json};

use crate::support::app::{Answer, App, PAYMENTS, Tenant};
use crate::support::connected::{REASON, payment};

async fn create(app: &App, tenant: &Tenant, prefer: &str, body: &Value) -> Answer {
    app.create_with(tenant, &[("prefer", prefer), ("idempotency-key", "one")], body.to_string()).await
}

#[track_caller]
fn assert_rejected(answer: &Answer, payment: &str) {
    assert_eq!(answer.problem(), (422, "rejected_by_software".to_owned()));
    assert_eq!(answer.faults(), [("/transaction_date".to_owned(), "refused_by_software".to_owned())]);
    let body = answer.json();
    assert_eq!(body["payment_id"], payment);
    assert_eq!(body["errors"][0]["detail"], REASON);
    assert!(body["detail"].as_str().expect("a text").contains(REASON), "{body}");
    assert_eq!(body["retryable"], false);
}

#[tokio::test]
async fn refused_payment_is_kept_as_rejected_and_its_key_taken() {
    let app = App::new().await;
    let tenant = app.tenant_with_software().await;
    let body = payment(&tenant);
    let software = async {
        let begun = app.begun_write(&tenant).await;
        app.reject(&tenant, begun).await;
        begun.to_string()
    };
    let (answer, id) = tokio::join!(create(&app, &tenant, "wait=13", &body), software);
    assert_rejected(&answer, &id);
    assert_eq!(answer.header("preference-applied"), "wait=13");
    let kept = app.get(&tenant, &format!("{PAYMENTS}/{id}")).await.json();
    assert_eq!((&kept["remote_status"], &kept["remote_id"]), (&json!("rejected"), &Value::Null));
    assert_rejected(&create(&app, &tenant, "wait=13", &body).await, &id);
    let mut other = body.clone();
    other["total_amount"] = json!(1);
    let reused = create(&app, &tenant, "wait=13", &other).await;
    assert_eq!(reused.problem(), (422, "idempotency_key_reused".to_owned()));
    assert_eq!(app.count().await, 1);
}

#[tokio::test]
async fn repetition_is_answered_by_the_state_of_the_moment() {
    let app = App::new().await;
    let tenant = app.tenant_with_software().await;
    let body = payment(&tenant);
    let first = create(&app, &tenant, "respond-async", &body).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let again = create(&app, &tenant, "wait=3600", &body).await;
    assert_eq!(again.text, first.text, "nothing has changed, and a repetition does not wait");
    assert_eq!(again.header("idempotent-replayed"), "true");
    let id = app.begun_write(&tenant).await;
    app.apply(&tenant, id).await;
    // The invoice is paid now, and another payment of it would be refused.
    let paid = "update reference set fields = (fields::jsonb || '{\"status\": \"Paid\"}')::json
                where resource = 'invoice'";
    sqlx::raw_sql(paid).execute(&mut app.connect().await).await.expect("paid");
    let applied = create(&app, &tenant, "respond-async", &body).await;
    let mut expected = first.json();
    expected["remote_id"] = json!("15");
    expected["remote_status"] = json!("applied");
    expected["modified_at"] = applied.json()["modified_at"].clone();
    assert_eq!(applied.json(), expected);
    assert_ne!(expected["modified_at"], first.json()["modified_at"]);
    let mut other = body.clone();
    other["total_amount"] = json!(1);
    let reused = create(&app, &tenant, "respond-async", &other).await;
    assert_eq!(reused.problem(), (422, "idempotency_key_reused".to_owned()), "before its faults");
    let fresh = app.create(&tenant, &body).await;
    assert_eq!(fresh.faults(), [("/invoice_id".to_owned(), "not_payable".to_owned())]);
}

#[tokio::test]
async fn payment_that_was_answered_201_can_be_rejected_later() {
    let app = App::new().await;
    let tenant = app.tenant_with_software().await;
    let body = payment(&tenant);
    let first = create(&app, &tenant, "respond-async", &body).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let id = app.begun_write(&tenant).await;
    app.reject(&tenant, id).await;
    assert_rejected(&create(&app, &tenant, "respond-async", &body).await, &id.to_string());
}

#[tokio::test]
async fn attempts_are_read_with_the_words_of_the_software() {
    let app = App::new().await;
    let tenant = app.tenant_with_software().await;
    create(&app, &tenant, "respond-async", &payment(&tenant)).await;
    let id = app.begun_write(&tenant).await;
    let path = format!("{PAYMENTS}/{id}/remote");
    let pending = app.get(&tenant, &path).await.json();
    assert_eq!((&pending["remote_status"], &pending["attempts"]), (&json!("pending"), &json!([])));
    assert!(pending["next_attempt_at"].is_string(), "{pending}");
    app.reject(&tenant, id).await;
    let answer = app.get(&tenant, &path).await;
    let expected = json!({
        "payment_id": id, "remote_status": "rejected", "key": format!("u{id}"), "next_attempt_at": null,
        "errors": [{ "pointer": "/transaction_date", "code": "refused_by_software", "detail": REASON }],
        "attempts": [{
            "number": 1, "action": "send", "started_at": "2026-11-26T10:00:00Z", "ended_at": "2026-11-26T10:00:01Z",
            "outcome": "rejected", "code": "UserError", "detail": REASON,
        }],
    });
    assert_eq!(answer.json(), expected, "who acted and why is the operator's");
    for number in 2..=120 {
        let attempt = "insert into remote_attempt (connection_id, payment_id, number, action, started_at)
                       values ($1, $2, $3, 'look_up', now())";
        let attempt = sqlx::query(attempt).bind(tenant.connection_id.0).bind(id).bind(number);
        attempt.execute(&mut app.connect().await).await.expect("stored");
    }
    let attempts = app.get(&tenant, &path).await.json()["attempts"].as_array().expect("attempts").clone();
    assert_eq!((attempts.len(), &attempts[0]["number"], &attempts[99]["number"]), (100, &json!(21), &json!(120)));
}

#[tokio::test]
async fn payment_without_software_has_no_attempts() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let headers = [("prefer", "wait=1, respond-async"), ("idempotency-key", "one")];
    let answer = app.create_with(&tenant, &headers, json!({ "total_amount": 0 }).to_string()).await;
    assert_eq!((answer.status.as_u16(), answer.header("preference-applied")), (201, ""));
    let remote = app.get(&tenant, &format!("{}/remote", answer.header("location"))).await.json();
    let expected = json!({ "payment_id": answer.json()["id"], "remote_status": "none", "key": null,
                           "next_attempt_at": null, "errors": [], "attempts": [] });
    assert_eq!(remote, expected);
    let path = format!("{}/remote?x=1", answer.header("location"));
    assert_eq!(app.get(&tenant, &path).await.faults(), [("x".to_owned(), "unknown_parameter".to_owned())]);
    let unknown = app.get(&tenant, &format!("{PAYMENTS}/nothing/remote")).await;
    assert_eq!(unknown.problem(), (404, "payment_not_found".to_owned()));
}

#[tokio::test]
async fn payments_are_listed_by_what_became_of_them() {
    let app = App::new().await;
    let tenant = app.tenant_with_software().await;
    let mut ids = Vec::new();
    for key in ["applied", "rejected", "pending"] {
        let headers = [("prefer", "respond-async"), ("idempotency-key", key)];
        let answer = app.create_with(&tenant, &headers, payment(&tenant).to_string()).await;
        ids.push(answer.json()["id"].as_str().expect("an id").to_owned());
    }
    app.apply(&tenant, ids[0].parse().expect("a UUID")).await;
    app.reject(&tenant, ids[1].parse().expect("a UUID")).await;
    for (place, status) in ["applied", "rejected", "pending"].into_iter().enumerate() {
        let page = app.get(&tenant, &format!("{PAYMENTS}?remote_status={status}")).await.json();
        assert_eq!(page["data"].as_array().map(Vec::len), Some(1), "{status}");
        assert_eq!(page["data"][0]["id"], ids[place], "{status}");
    }
    assert_eq!(app.get(&tenant, &format!("{PAYMENTS}?remote_status=none")).await.json()["data"], json!([]));
    let without = app.tenant().await;
    app.create(&without, &json!({ "total_amount": 1 })).await;
    let none = app.get(&without, &format!("{PAYMENTS}?remote_status=none")).await.json();
    assert_eq!(none["data"].as_array().map(Vec::len), Some(1));
    let answer = app.get(&tenant, &format!("{PAYMENTS}?remote_status=Applied")).await;
    assert_eq!(answer.faults(), [("remote_status".to_owned(), "unknown_remote_status".to_owned())]);
}
