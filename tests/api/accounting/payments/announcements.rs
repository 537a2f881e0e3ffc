//! Each payment that is stored is announced by one event, which its own statement writes.

use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;
use unibooks::auth::Worker;
use unibooks::domain::{EventPosition, EventType};
use unibooks::events::{self, Filter};
use uuid::Uuid;

use super::group_commit::{all, occupy_writers, queue_up};
use crate::support::app::{App, CredentialOptions, Tenant, small_payment};
use crate::support::connected::payment;
use crate::support::payment_lock::PaymentLock;
use crate::support::wait::until;

/// Asserts that exactly the stored payments of a project are announced, each once and of its own connection.
async fn assert_announced(app: &App, tenant: &Tenant, payments: usize) {
    let scope = Worker::from_app(app.database.clone()).project(tenant.project_id);
    while events::sequence(&scope).await.expect("sequenced").has_more {}
    let payment_events = Filter { patterns: vec!["accounting.payment.*".parse().expect("names")], ..Filter::default() };
    let page = events::read(&scope, &payment_events, EventPosition::default(), 1_000).await.expect("read");
    let mut announced = Vec::new();
    for event in page.events {
        assert_eq!((event.kind, event.state.is_none()), (EventType::PaymentCreated, true));
        announced.push((event.object_id, event.connection_id.expect("a connection").0));
    }
    announced.sort_unstable();
    let mut session = app.connect().await;
    let stored = sqlx::query_as(
        "select id, connection_id from payment
         where connection_id in (select id from connection where project_id = $1) order by id",
    )
    .bind(tenant.project_id.0)
    .fetch_all(&mut session)
    .await;
    let stored: Vec<(Uuid, Uuid)> = stored.expect("payments");
    assert_eq!(announced, stored);
    assert_eq!(stored.len(), payments);
}

#[tokio::test]
async fn payment_is_announced_and_its_repetition_is_not() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for _ in 0..2 {
        assert_eq!(app.create_under(&tenant, "key", &small_payment()).await.status, 201);
    }
    assert_eq!(app.create_under(&tenant, "key", &json!({})).await.status, 422);
    assert_announced(&app, &tenant, 1).await;
}

#[tokio::test]
async fn batch_that_is_half_known_announces_its_other_half() {
    let app = Arc::new(App::new().await);
    let tenant = app.tenant().await;
    let (connection_id, connection_token) = app.connection(tenant.project_id, CredentialOptions::default()).await;
    let tenants = [Tenant { connection_id, connection_token, ..tenant.clone() }, tenant];
    let keys = |range: std::ops::Range<i32>| -> Vec<_> {
        range.map(|n| (format!("key-{n}"), json!({ "total_amount": n }))).collect()
    };
    for tenant in &tenants {
        for (key, body) in keys(10..30) {
            assert_eq!(app.create_under(tenant, &key, &body).await.status, 201);
        }
    }
    let mut lock = PaymentLock::acquire(&app).await;
    let first = occupy_writers(&app, &tenants[0], &mut lock).await;
    let mut calls = queue_up(&app, &tenants[0], keys(10..50)).await;
    calls.extend(queue_up(&app, &tenants[1], keys(10..50)).await);
    lock.release().await;
    let busy = first.join_all().await.len();
    assert!(all(calls).await.iter().all(|answer| answer.status == 201));
    assert_announced(&app, &tenants[0], busy + 2 * 40).await;
}

#[tokio::test]
async fn batch_for_accounting_software_is_announced() {
    let app = Arc::new(App::new().await);
    let tenant = app.tenant_with_software().await;
    let plain = app.tenant().await;
    let mut lock = PaymentLock::acquire(&app).await;
    let first = occupy_writers(&app, &plain, &mut lock).await;
    let mut calls = JoinSet::new();
    // Each key is sent twice.
    for number in 0..10 {
        let before = app.payments.occupied();
        let (sender, tenant) = (Arc::clone(&app), tenant.clone());
        calls.spawn(async move {
            let headers = [("prefer", "respond-async"), ("idempotency-key", &*format!("key-{}", number / 2))];
            sender.create_with(&tenant, &headers, payment(&tenant).to_string()).await
        });
        until("the call has arrived", async || app.payments.occupied() > before).await;
    }
    lock.release().await;
    let busy = first.join_all().await.len();
    assert!(calls.join_all().await.iter().all(|answer| answer.status == 201));
    assert_announced(&app, &plain, busy).await;
    assert_announced(&app, &tenant, 5).await;
}

#[tokio::test]
async fn refused_payment_is_not_announced_but_its_neighbours_are() {
    let app = Arc::new(App::new().await);
    let tenant = app.tenant().await;
    let strict = "alter table payment add constraint payment_house_rule check (total_amount <> 13)";
    sqlx::raw_sql(strict).execute(&mut app.connect().await).await.expect("altered");
    let mut lock = PaymentLock::acquire(&app).await;
    let first = occupy_writers(&app, &tenant, &mut lock).await;
    let bodies = (10..20).map(|n| (format!("key-{n}"), json!({ "total_amount": n })));
    let calls = queue_up(&app, &tenant, bodies.collect()).await;
    lock.release().await;
    let busy = first.join_all().await.len();
    assert_eq!(all(calls).await.iter().filter(|answer| answer.status == 201).count(), 9);
    assert_announced(&app, &tenant, busy + 9).await;
}
