//! An endpoint that is changed while events for it are read.

use sqlx::{Executor, PgConnection};
use unibooks::domain::WebhookEndpointId;
use unibooks::events;

use crate::receiver::Receiver;
use crate::site::{Running, Site};
use crate::support::wait::until;

/// Deliveries that have read the endpoint and wait until they may read the events.
async fn before_reading(site: &Site) -> (PgConnection, Running) {
    events::sequence(&site.scope()).await.expect("sequenced");
    let mut lock = site.app.connect().await;
    lock.execute("begin").await.expect("begun");
    lock.execute("lock table event in access exclusive mode").await.expect("locked");
    let running = site.deliver();
    let waiting = "select exists (select from pg_stat_activity
                                  where datname = current_database() and wait_event_type = 'Lock')";
    let mut watcher = site.app.connect().await;
    until("events are read", async || sqlx::query_scalar(waiting).fetch_one(&mut watcher).await.expect("an answer"))
        .await;
    (lock, running)
}

async fn until_released(site: &Site, endpoint: WebhookEndpointId) {
    let held = "select from webhook_delivery where project_id = $1 and endpoint_id = $2 and lease_id is not null";
    until("the step has ended", async || site.rows(held, endpoint).await.is_empty()).await;
}

#[tokio::test]
async fn endpoint_that_was_paused_gets_nothing_more() {
    let site = Site::new().await;
    let receiver = Receiver::start().await;
    let endpoint = site.endpoint(&receiver.url).await;
    site.pay(&site.tenant, 1).await;
    let (mut lock, _running) = before_reading(&site).await;
    site.pause(endpoint).await;
    lock.execute("commit").await.expect("unlocked");
    until_released(&site, endpoint).await;
    assert_eq!(receiver.count(), 0);
}

#[tokio::test]
async fn endpoint_gets_what_it_asks_for_after_a_change() {
    let site = Site::new().await;
    let receiver = Receiver::start().await;
    let endpoint = site.endpoint_for(&receiver.url, "sync.*").await;
    let paid = site.pay(&site.tenant, 1).await;
    let (mut lock, _running) = before_reading(&site).await;
    let change = "update webhook_endpoint set event_types = array['*'], modified_at = now() + interval '1 second'
                  where project_id = $1 and id = $2";
    site.rows(change, endpoint).await;
    lock.execute("commit").await.expect("unlocked");
    until("the event is sent", async || receiver.count() == 1).await;
    assert_eq!(receiver.objects(), paid);
}
