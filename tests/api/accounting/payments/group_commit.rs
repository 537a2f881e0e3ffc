//! Batches: payments that are written together each get their own answer, and none is lost or doubled.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use insta::assert_json_snapshot;
use serde_json::{Value, json};
use tokio::task::{JoinHandle, JoinSet};
use unibooks::db::migrate;
use unibooks::db::private::{Options, PrivatePostgres};
use unibooks::domain::Clock;

use crate::support::app::{Answer, App, PAYMENTS, Tenant, small_payment};
use crate::support::payment_lock::PaymentLock;
use crate::support::wait::until;

/// Blocks every writer of a server with one payment, sent without a key.
pub async fn occupy_writers(app: &Arc<App>, tenant: &Tenant, lock: &mut PaymentLock) -> JoinSet<Answer> {
    let mut calls = JoinSet::new();
    for busy in 1..=app.database.writers() {
        let (app, tenant) = (Arc::clone(app), tenant.clone());
        calls.spawn(async move { app.create(&tenant, &small_payment()).await });
        lock.until_blocked(busy).await;
    }
    calls
}

fn call(app: &Arc<App>, tenant: &Tenant, key: String, body: Value) -> JoinHandle<Answer> {
    let (app, tenant) = (Arc::clone(app), tenant.clone());
    tokio::spawn(async move { app.create_under(&tenant, &key, &body).await })
}

/// Sends calls so that they wait in the queue in this order. Each call has arrived when the queue's memory has grown.
pub async fn queue_up(app: &Arc<App>, tenant: &Tenant, calls: Vec<(String, Value)>) -> Vec<JoinHandle<Answer>> {
    let mut waiting = Vec::new();
    for (key, body) in calls {
        let before = app.payments.occupied();
        waiting.push(call(app, tenant, key, body));
        until("the call has arrived", async || app.payments.occupied() > before).await;
    }
    waiting
}

pub async fn all(calls: Vec<JoinHandle<Answer>>) -> Vec<Answer> {
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.expect("an answer"));
    }
    answers
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status.as_u16()).collect()
}

/// Makes a trigger that counts the statements that insert payments.
async fn count_statements(app: &App) {
    let mut connection = app.connect().await;
    let trigger = "create table statement (n integer);
        create function note() returns trigger language plpgsql as
            $$ begin insert into statement values (1); return null; end $$;
        create trigger note after insert on payment for each statement execute function note()";
    sqlx::raw_sql(trigger).execute(&mut connection).await.expect("a trigger");
}

async fn scalar(app: &App, query: &'static str) -> i64 {
    let mut connection = app.connect().await;
    sqlx::query_scalar(query).fetch_one(&mut connection).await.expect("a number")
}

#[tokio::test]
async fn payments_that_wait_for_a_commit_share_one_statement() {
    let app = Arc::new(App::new().await);
    let tenant = app.tenant().await;
    count_statements(&app).await;
    let mut lock = PaymentLock::acquire(&app).await;
    let first = occupy_writers(&app, &tenant, &mut lock).await;
    let bodies = (10..60).map(|n| (format!("key-{n}"), json!({ "total_amount": n, "line_items": [{ "value": n }] })));
    let gathered = queue_up(&app, &tenant, bodies.collect()).await;
    lock.release().await;

    assert!(first.join_all().await.iter().all(|answer| answer.status == 201));
    for (n, answer) in (10..60).zip(all(gathered).await) {
        assert_eq!(answer.status, 201, "{}", answer.text);
        let (payment, again) = (answer.json(), app.create_under(&tenant, &format!("key-{n}"), &json!({})).await);
        assert_eq!((&payment["total_amount"], &payment["line_items"][0]["value"]), (&json!(n), &json!(n)));
        assert_eq!(again.problem().1, "idempotency_key_reused");
        let kept = app.get(&tenant, &format!("{PAYMENTS}/{}", payment["id"].as_str().expect("an id"))).await;
        assert_eq!(kept.json(), payment);
    }
    assert_eq!(app.count().await, 50 + i64::from(app.database.writers()));
    let refused_later = 50;
    let together = scalar(&app, "select count(*) from statement").await - refused_later;
    assert_eq!(together, i64::from(app.database.writers()) + 1, "the fifty are one statement");
}

#[tokio::test]
async fn two_requests_with_one_key_in_one_batch_are_one_payment() {
    let app = Arc::new(App::new().await);
    let tenant = app.tenant().await;
    let mut lock = PaymentLock::acquire(&app).await;
    let first = occupy_writers(&app, &tenant, &mut lock).await;
    let twin = json!({ "total_amount": 7, "line_items": [{}, {}] });
    let other = json!({ "total_amount": 8, "line_items": [{}, {}] });
    let calls = [("a", &twin), ("b", &twin), ("a", &twin), ("b", &other), ("a", &twin), ("c", &other)];
    let calls = queue_up(&app, &tenant, calls.map(|(key, body)| (key.to_owned(), body.clone())).to_vec()).await;
    lock.release().await;
    first.join_all().await;

    let answers = all(calls).await;
    assert_eq!([0, 2, 4, 5].map(|at: usize| answers[at].status.as_u16()), [201; 4]);
    let replayed = |answer: &Answer| answer.header("idempotent-replayed") == "true";
    assert_eq!(answers.iter().filter(|answer| replayed(answer)).count(), 2, "two of the three with the key a");
    assert!(answers[2].text == answers[0].text && answers[4].text == answers[0].text, "to the byte");
    let mut of_b = [answers[1].status.as_u16(), answers[3].status.as_u16()];
    of_b.sort_unstable();
    assert_eq!(of_b, [201, 422], "one of the two that fight for the key b");
    assert_eq!(app.count().await, 3 + i64::from(app.database.writers()));
    assert_eq!(scalar(&app, "select count(*) from payment_line_item").await, 2 * 3, "each has its own line items");
}

#[tokio::test]
async fn refused_payment_does_not_fail_its_batch() {
    let app = Arc::new(App::new().await);
    let tenant = app.tenant().await;
    let mut connection = app.connect().await;
    let strict = "alter table payment add constraint payment_house_rule check (total_amount <> 13);
        alter table payment drop constraint payment_currency_code,
            add constraint payment_currency_code check (currency <> 'CHF')";
    sqlx::raw_sql(strict).execute(&mut connection).await.expect("altered");
    drop(connection);
    let mut lock = PaymentLock::acquire(&app).await;
    let first = occupy_writers(&app, &tenant, &mut lock).await;
    let bodies = (10..40).map(|n| {
        let currency = if n % 10 == 5 { "CHF" } else { "EUR" };
        (format!("key-{n}"), json!({ "total_amount": n, "currency": currency }))
    });
    let calls = queue_up(&app, &tenant, bodies.collect()).await;
    lock.release().await;
    first.join_all().await;

    for (n, answer) in (10..40).zip(all(calls).await) {
        match n {
            13 => assert_eq!(answer.problem(), (500, "internal".to_owned())),
            n if n % 10 == 5 => {
                assert_eq!(answer.faults(), [("/currency".to_owned(), "refused_by_constraint".to_owned())]);
            }
            _ => assert_eq!(answer.json()["total_amount"], n, "{}", answer.text),
        }
    }
    assert_eq!(app.count().await, 30 - 4 + i64::from(app.database.writers()));
}

#[tokio::test]
async fn batches_of_two_servers_with_equal_keys_do_not_deadlock() {
    let app = Arc::new(App::new().await);
    let other = Arc::new(App::on(app.options.clone(), Clock::system()).await);
    let tenant = app.tenant().await;
    // Slow rows, so that the two batches really block each other.
    let slow = "create function dawdle() returns trigger language plpgsql as
            $$ begin perform pg_sleep(0.002); return new; end $$;
        create trigger dawdle before insert on payment for each row execute function dawdle()";
    let mut connection = app.connect().await;
    sqlx::raw_sql(slow).execute(&mut connection).await.expect("a trigger");
    drop(connection);
    let mut lock = PaymentLock::acquire(&app).await;
    let mut first = occupy_writers(&app, &tenant, &mut lock).await;
    for busy in 1..=app.database.writers() {
        let (other, tenant) = (Arc::clone(&other), tenant.clone());
        first.spawn(async move { other.create(&tenant, &small_payment()).await });
        lock.until_blocked(app.database.writers() + busy).await;
    }
    let keys: Vec<_> = (10..90).map(|n| (format!("key-{n}"), json!({ "total_amount": n }))).collect();
    let mut calls = queue_up(&app, &tenant, keys.clone()).await;
    calls.extend(queue_up(&other, &tenant, keys.into_iter().rev().collect()).await);
    lock.release().await;
    first.join_all().await;

    let answers = all(calls).await;
    assert!(answers.iter().all(|answer| answer.status == 201), "{:?}", statuses(&answers));
    let ids: HashSet<_> = answers.iter().map(|answer| answer.json()["id"].to_string()).collect();
    assert_eq!(ids.len(), 80);
    assert_eq!(app.count().await, 80 + 2 * i64::from(app.database.writers()));
}

#[tokio::test]
async fn abandoned_call_is_stored_once_or_not_at_all() {
    let app = Arc::new(App::new().await);
    let tenant = app.tenant().await;
    let mut lock = PaymentLock::acquire(&app).await;
    let mut first = occupy_writers(&app, &tenant, &mut lock).await;
    // These calls are in the middle of their batch.
    first.abort_all();
    while first.join_next().await.is_some() {}
    let bodies = (10..20).map(|n| (format!("key-{n}"), json!({ "total_amount": n })));
    let mut calls = queue_up(&app, &tenant, bodies.collect()).await;
    for call in calls.drain(..5) {
        call.abort();
        assert!(call.await.expect_err("left").is_cancelled());
    }
    lock.release().await;

    let answers = all(calls).await;
    assert!(answers.iter().all(|answer| answer.status == 201), "the neighbours: {:?}", statuses(&answers));
    app.payments.close().await;
    assert_eq!(app.count().await, 5 + i64::from(app.database.writers()));
}

#[tokio::test]
async fn queued_payments_are_answered_before_the_server_stops() {
    let app = Arc::new(App::new().await);
    let tenant = app.tenant().await;
    let mut lock = PaymentLock::acquire(&app).await;
    let first = occupy_writers(&app, &tenant, &mut lock).await;
    let bodies = (10..40).map(|n| (format!("key-{n}"), json!({ "total_amount": n })));
    let calls = queue_up(&app, &tenant, bodies.collect()).await;
    let closing = tokio::spawn({
        let payments = app.payments.clone();
        async move { payments.close().await }
    });
    let before = app.payments.occupied();
    until("the queue is closed", async || app.payments.occupied() > before).await;
    let late = app.create_under(&tenant, "late", &small_payment()).await;
    assert_eq!((late.status.as_u16(), late.header("retry-after")), (503, "1"), "nothing more gets in");
    assert!(!closing.is_finished(), "it waits for the queued payments");
    lock.release().await;
    closing.await.expect("closed");
    assert_eq!(app.count().await, 30 + i64::from(app.database.writers()));
    assert!(first.join_all().await.iter().all(|answer| answer.status == 201));
    assert!(all(calls).await.iter().all(|answer| answer.status == 201));
}

#[tokio::test]
async fn full_queue_refuses_new_payments_and_keeps_its_own() {
    let app = Arc::new(App::new().await);
    let tenant = app.tenant().await;
    let mut lock = PaymentLock::acquire(&app).await;
    let first = occupy_writers(&app, &tenant, &mut lock).await;
    let large = json!({ "line_items": vec![json!({ "name": "x".repeat(1_000) }); 1_000] });
    let mut calls = Vec::new();
    let refused = loop {
        let before = app.payments.occupied();
        let mut call = call(&app, &tenant, format!("key-{}", calls.len()), large.clone());
        until("the call has arrived", async || app.payments.occupied() > before || call.is_finished()).await;
        if call.is_finished() {
            break (&mut call).await.expect("an answer");
        }
        calls.push(call);
    };
    assert_json_snapshot!(refused.json(), { ".request_id" => "…" }, @r#"
    {
      "code": "unavailable",
      "detail": "More payments arrive than can be stored. Nothing of this one was; retry after the number of seconds in `Retry-After`.",
      "instance": "/accounting/payments",
      "request_id": "…",
      "retryable": true,
      "status": 503,
      "title": "Service unavailable",
      "type": "urn:unibooks:problem:unavailable"
    }
    "#);
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (503, "1"));
    lock.release().await;

    first.join_all().await;
    let answers = all(calls).await;
    assert!(answers.iter().all(|answer| answer.status == 201), "{:?}", statuses(&answers));
    assert_eq!(app.count().await, i64::try_from(answers.len()).expect("some") + i64::from(app.database.writers()));
    assert_eq!(app.payments.occupied(), 0);
}

#[tokio::test]
async fn database_restart_in_a_batch_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).expect("a mode");
    let start = || {
        let settings = vec![("fsync".to_owned(), "off".to_owned())];
        PrivatePostgres::start(Options { data_dir: folder.path().to_owned(), binaries: None, settings })
    };
    let postgres = start().await.expect("a database");
    let app = App::on(postgres.connect_options(), Clock::system()).await;
    migrate(&app.database).await.expect("migrations apply");
    let app = Arc::new(app);
    let tenant = app.tenant().await;
    let mut lock = PaymentLock::acquire(&app).await;
    let first = occupy_writers(&app, &tenant, &mut lock).await;
    let keys: Vec<_> = (10..40).map(|n| (format!("key-{n}"), json!({ "total_amount": n }))).collect();
    let calls = queue_up(&app, &tenant, keys.clone()).await;
    postgres.stop().await.expect("stopped");
    let postgres = start().await.expect("a database");

    for answer in first.join_all().await {
        assert_eq!(answer.problem(), (409, "outcome_unknown".to_owned()), "it has no key");
        let path = format!("{PAYMENTS}/{}", answer.json()["payment_id"].as_str().expect("the id that it would have"));
        let read = retry(|| app.get(&tenant, &path)).await;
        assert_eq!(read.status, 404);
    }
    let first_answers = all(calls).await;
    for ((key, body), answer) in keys.iter().zip(first_answers) {
        assert!(matches!(answer.status.as_u16(), 201 | 503), "{}", answer.text);
        let again = retry(|| app.create_under(&tenant, key, body)).await;
        assert_eq!(again.status, 201, "{}", again.text);
        assert!(answer.status == 503 || answer.text == again.text, "the same payment to the byte");
    }
    assert_eq!(app.count().await, 30);
    app.database.close().await;
    postgres.stop().await.expect("stopped");
}

/// Repeats a call while the answer is 503, as clients do.
async fn retry<F: Future<Output = Answer>>(ask: impl Fn() -> F) -> Answer {
    loop {
        let answer = ask().await;
        if answer.status != 503 {
            return answer;
        }
    }
}
