//! The outbox of a distributed database, where each node numbers its rows for itself.

use std::time::Duration;

use chrono::TimeDelta;
use sqlx::{Connection, PgConnection};
use unibooks::auth::Worker;
use unibooks::domain::Clock;
use unibooks::webhooks::Retention;
use uuid::Uuid;

use crate::support::app::{App, Tenant};
use crate::support::events;

/// Stores a change of this age as a node does whose numbers begin here.
async fn announce(session: &mut PgConnection, tenant: &Tenant, first: i64, rows: i64, days: i32) {
    sqlx::query(
        "insert into event_outbox (project_id, connection_id, sequence, type, objects, created_at)
         overriding system value
         select $1, $2, $3 + n, 'sync.completed', array[lpad($3::text, 32, '0')::uuid], now() - $5 * interval '1 day'
         from generate_series(1, $4) n",
    )
    .bind(tenant.project_id.0)
    .bind(tenant.connection_id.0)
    .bind(first)
    .bind(rows)
    .bind(f64::from(days))
    .execute(session)
    .await
    .expect("announced");
}

#[tokio::test]
#[ignore = "needs Citus: make test-citus"]
async fn events_come_in_the_order_of_their_times() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    app.forget_events().await;
    let mut session = app.connect().await;
    for (first, days) in [(3_000, 2), (1_000, 1), (2_000, 3)] {
        announce(&mut session, &tenant, first, 1, days).await;
    }
    session.close().await.expect("closed");
    let objects = events::feed(&app.database, tenant.project_id).await.0.into_iter().map(|event| event.object_id);
    let node = |number: u128| Uuid::parse_str(&format!("{number:032}")).expect("an id");
    assert_eq!(objects.collect::<Vec<_>>(), [node(2_000), node(3_000), node(1_000)]);
}

#[tokio::test]
#[ignore = "needs Citus: make test-citus"]
async fn old_change_is_removed_beside_young_ones_with_smaller_numbers() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    app.forget_events().await;
    let mut session = app.connect().await;
    announce(&mut session, &tenant, 1_000, 1_500, 1).await;
    announce(&mut session, &tenant, 9_000, 1, 31).await;
    let system = Clock::system();
    let clock = Clock::new(move || system.now() + TimeDelta::minutes(1));
    let keep = Duration::from_hours(30 * 24);
    Retention::new(Worker::from_app(app.database.clone()), clock, keep).pass().await.expect("passed");
    let count = sqlx::query_as("select count(*), max(sequence) from event_outbox").fetch_one(&mut session).await;
    let (count, last): (i64, i64) = count.expect("a count");
    assert_eq!((count, last), (1_500, 2_500));
}
