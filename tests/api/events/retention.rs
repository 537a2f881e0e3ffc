//! Events are kept for a time, and then removed.

use std::time::Duration;

use chrono::TimeDelta;
use unibooks::auth::Worker;
use unibooks::domain::Clock;
use unibooks::webhooks::Retention;

use crate::support::app::{App, small_payment};
use crate::support::events::feed;

const DAY: Duration = Duration::from_hours(24);

async fn execute(app: &App, statement: &'static str) {
    sqlx::raw_sql(statement).execute(&mut app.connect().await).await.expect(statement);
}

async fn count(app: &App, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(&mut app.connect().await).await.expect("a count")
}

/// A server's task, `ahead` of now.
fn retention(app: &App, ahead: Duration) -> Retention {
    let system = Clock::system();
    let clock = Clock::new(move || system.now() + TimeDelta::from_std(ahead).expect("a time"));
    Retention::new(Worker::from_app(app.database.clone()), clock, 30 * DAY)
}

#[tokio::test]
async fn old_events_are_removed_and_young_ones_stay() {
    let app = App::new().await;
    let tenants = [app.tenant().await, app.tenant().await];
    for tenant in &tenants {
        for _ in 0..2 {
            assert_eq!(app.create(tenant, &small_payment()).await.status, 201);
            feed(&app.database, tenant.project_id).await;
        }
        // Nobody reads these.
        assert_eq!(app.create(tenant, &small_payment()).await.status, 201);
    }
    let (events, changes) = ("select count(*) from event", "select count(*) from event_outbox");
    retention(&app, 29 * DAY).pass().await.expect("passed");
    assert_eq!((count(&app, events).await, count(&app, changes).await), (6, 2), "they are young");
    execute(&app, "update event set created_at = now() - interval '2 days' where position < 3").await;
    retention(&app, 29 * DAY).pass().await.expect("passed");
    assert_eq!((count(&app, events).await, count(&app, changes).await), (2, 2));
    for tenant in &tenants {
        let feed = feed(&app.database, tenant.project_id).await;
        let positions: Vec<_> = feed.0.iter().map(|event| event.position.0).collect();
        assert_eq!(positions, [3, 4], "no position is given twice");
    }
    assert_eq!(app.create(&tenants[0], &small_payment()).await.status, 201);
    retention(&app, 31 * DAY).pass().await.expect("passed");
    assert_eq!((count(&app, events).await, count(&app, changes).await), (0, 0));
}

#[tokio::test]
async fn many_events_are_removed_by_two_servers_at_once() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let rows = "insert into event (project_id, position, type, object_id, created_at)
                select id, number, 'sync.completed', id, now() - number * interval '1 second'
                from project, generate_series(1, 5500) number;
                insert into event_outbox (project_id, connection_id, type, objects, created_at)
                select project_id, id, 'sync.completed', array[id], now()
                from connection, generate_series(1, 2500);";
    execute(&app, rows).await;
    let servers = [31 * DAY, 31 * DAY].map(|ahead| retention(&app, ahead));
    let (first, second) = tokio::join!(servers[0].pass(), servers[1].pass());
    first.and(second).expect("neither harms the other");
    assert!(feed(&app.database, tenant.project_id).await.0.is_empty());
}
