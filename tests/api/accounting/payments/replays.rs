//! Calls with known idempotency keys that meet in one batch.

use std::sync::Arc;

use serde_json::{Value, json};

use super::group_commit::{all, occupy_writers, queue_up};
use crate::support::app::{Answer, App, Tenant};
use crate::support::logs::Logs;
use crate::support::payment_lock::PaymentLock;

/// Bodies under the same keys for each tenant. Two keys have the same body.
fn bodies(tenant: &str) -> Vec<(String, Value)> {
    let body = |n: i32| json!({ "total_amount": n / 2, "line_items": [{ "name": tenant }, { "value": n / 2 }] });
    (10..20).map(|n| (format!("key-{n}"), body(n))).collect()
}

async fn store(app: &Arc<App>, tenant: &Tenant, bodies: &[(String, Value)]) -> Vec<Answer> {
    let mut first = Vec::new();
    for (key, body) in bodies {
        first.push(app.create_under(tenant, key, body).await);
    }
    first
}

#[tokio::test]
async fn replays_of_a_batch_are_read_together_for_each_connection() {
    let app = Arc::new(App::new().await);
    let (one, two) = (app.tenant().await, app.tenant().await);
    let (of_one, of_two) = (bodies("one"), bodies("two"));
    let first_of_one = store(&app, &one, &of_one).await;
    let first_of_two = store(&app, &two, &of_two).await;

    let mut lock = PaymentLock::acquire(&app).await;
    let busy = occupy_writers(&app, &one, &mut lock).await;
    let logs = Logs::catch("sqlx::query=debug");
    let replays_of_one = queue_up(&app, &one, of_one).await;
    let replays_of_two = queue_up(&app, &two, of_two).await;
    let other_bodies = bodies("other");
    let reused = queue_up(&app, &one, other_bodies.clone()).await;
    let new = queue_up(&app, &two, vec![("new".to_owned(), other_bodies[0].1.clone())]).await;
    lock.release().await;
    busy.join_all().await;

    for (replays, first) in [(replays_of_one, first_of_one), (replays_of_two, first_of_two)] {
        for (replay, first) in all(replays).await.iter().zip(&first) {
            assert_eq!((replay.status.as_u16(), replay.header("idempotent-replayed")), (201, "true"));
            assert_eq!(replay.text, first.text, "to the byte, and its own connection's");
        }
    }
    for answer in all(reused).await {
        assert_eq!(answer.problem(), (422, "idempotency_key_reused".to_owned()));
    }
    assert_eq!(all(new).await[0].header("idempotent-replayed"), "", "a new payment of the same batch");
    let reads = logs.text().matches("as claim (key, digest, place)").count();
    assert_eq!(reads, 2, "one statement for each connection");
    assert_eq!(app.count().await, 21 + i64::from(app.database.writers()));
}
