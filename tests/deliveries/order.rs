//! Events of a connection arrive in their order.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::receiver::{Received, Receiver, Reply, status};
use crate::site::Site;
use crate::support::app::{CredentialOptions, Tenant};
use crate::support::wait::until;

#[tokio::test]
async fn events_of_a_connection_arrive_once_and_in_order() {
    let site = Site::new().await;
    let receiver = Receiver::start().await;
    site.endpoint(&receiver.url).await;
    let _running = site.deliver();
    let paid = site.pay(&site.tenant, 30).await;
    until("all have come", async || receiver.count() >= 30).await;
    assert_eq!(receiver.objects(), paid);
    let ids: std::collections::HashSet<_> = receiver.received().iter().map(Received::id).collect();
    assert_eq!(ids.len(), 30);
    for delivered in receiver.received() {
        assert_eq!(delivered.body["id_event"], delivered.id());
        assert_eq!(delivered.headers["content-type"], "application/json");
    }
}

#[tokio::test]
async fn connections_are_served_at_once_and_each_in_order() {
    let site = Site::new().await;
    let receiver = Receiver::start().await;
    let mut tenants = vec![site.tenant.clone()];
    for _ in 0..3 {
        let (connection_id, connection_token) =
            site.app.connection(site.tenant.project_id, CredentialOptions::default()).await;
        tenants.push(Tenant { connection_id, connection_token, ..site.tenant.clone() });
    }
    site.endpoint(&receiver.url).await;
    let mut paid: HashMap<String, Vec<String>> = HashMap::new();
    for _ in 0..10 {
        for tenant in &tenants {
            let ids = site.pay(tenant, 1).await;
            paid.entry(tenant.connection_id.to_string()).or_default().extend(ids);
        }
    }
    let _running = site.deliver();
    until("all have come", async || receiver.count() >= 40).await;
    for (connection, ids) in paid {
        let delivered = receiver.received();
        let of_connection = delivered.iter().filter(|delivered| delivered.body["id_connection"] == connection.as_str());
        assert_eq!(of_connection.map(Received::object).collect::<Vec<_>>(), ids);
    }
    assert!(receiver.most_open() <= 4, "one call a connection");
}

#[tokio::test]
async fn endpoint_has_eight_open_calls_and_no_more() {
    let site = Site::new().await;
    let permits = Arc::new(Semaphore::new(0));
    let own = Arc::clone(&permits);
    let receiver = Receiver::answering(move |_, _| Reply::Held(Arc::clone(&own), 200)).await;
    let endpoint = site.endpoint_for(&receiver.url, "accounting.*").await;
    for _ in 0..12 {
        let (connection_id, connection_token) =
            site.app.connection(site.tenant.project_id, CredentialOptions::default()).await;
        site.pay(&Tenant { connection_id, connection_token, ..site.tenant.clone() }, 1).await;
    }
    let _running = site.deliver();
    until("eight calls are open", async || receiver.most_open() == 8).await;
    permits.add_permits(12);
    site.stored(endpoint, 12).await;
    assert_eq!(receiver.most_open(), 8);
}

#[tokio::test]
async fn endpoint_gets_only_what_it_asked_for_and_from_its_beginning() {
    let site = Site::new().await;
    let (all, none) = (Receiver::start().await, Receiver::start().await);
    site.pay(&site.tenant, 3).await;
    site.endpoint(&all.url).await;
    site.endpoint_for(&none.url, "connection.*").await;
    let _running = site.deliver();
    let paid = site.pay(&site.tenant, 2).await;
    until("all have come", async || all.count() >= 2).await;
    assert_eq!(all.objects(), paid, "not what was there before");
    assert_eq!(none.count(), 0);
}

#[tokio::test]
async fn another_project_gets_nothing() {
    let site = Site::new().await;
    let receiver = Receiver::start().await;
    site.endpoint(&receiver.url).await;
    let other = site.app.tenant().await;
    site.pay(&other, 2).await;
    let _running = site.deliver();
    let paid = site.pay(&site.tenant, 1).await;
    until("it has come", async || receiver.count() >= 1).await;
    assert_eq!(receiver.objects(), paid);
}

#[tokio::test]
async fn event_that_is_being_retried_does_not_hold_up_later_ones() {
    let site = Site::new().await;
    let receiver = Receiver::answering(|before, _| status(if before == 1 { 500 } else { 200 })).await;
    let endpoint = site.endpoint(&receiver.url).await;
    let _running = site.deliver();
    let paid = site.pay(&site.tenant, 4).await;
    site.stored(endpoint, 4).await;
    assert_eq!(receiver.objects(), paid);
    site.pass(Duration::from_secs(6));
    site.stored(endpoint, 5).await;
    let delivered = receiver.received();
    assert_eq!(delivered[4].id(), delivered[1].id(), "the same id in all attempts");
    assert_eq!(delivered[4].body, delivered[1].body);
    assert_eq!(site.open_retries(endpoint).await, 0);
}

#[tokio::test]
async fn events_that_a_stop_left_out_come_before_later_ones() {
    left_out_events_come_before_later_ones(Duration::ZERO).await;
}

#[tokio::test]
async fn clock_that_is_behind_does_not_change_the_order() {
    left_out_events_come_before_later_ones(Duration::from_mins(1)).await;
}

/// A server stops amid the events of a connection, and another one goes on, whose clock is so much behind.
async fn left_out_events_come_before_later_ones(behind: Duration) {
    let site = Site::new().await;
    let (connection_id, connection_token) =
        site.app.connection(site.tenant.project_id, CredentialOptions::default()).await;
    let fast = Tenant { connection_id, connection_token, ..site.tenant.clone() };
    let permits = Arc::new(Semaphore::new(0));
    let (own, slow) = (Arc::clone(&permits), site.tenant.connection_id.to_string());
    let receiver = Receiver::answering(move |_, delivered| {
        if delivered.body["id_connection"] == slow.as_str() { Reply::Held(Arc::clone(&own), 200) } else { status(200) }
    })
    .await;
    site.endpoint(&receiver.url).await;
    site.pass(behind);
    let mut paid = site.pay(&site.tenant, 150).await;
    site.pay(&fast, 100).await;
    let mut running = site.deliver();
    until("the other connection has all, and this one waits", async || receiver.count() == 101).await;
    running.begin_stop();
    permits.add_permits(1_000);
    running.stop().await;
    site.turn_back(behind);
    paid.extend(site.pay(&site.tenant, 5).await);
    let _running = site.deliver();
    until("all have come", async || receiver.count() == 255).await;
    let delivered = receiver.received();
    let of_slow = delivered.iter().filter(|delivered| delivered.body["id_connection"] != connection_id.to_string());
    assert_eq!(of_slow.map(Received::object).collect::<Vec<_>>(), paid);
}
