//! An event is sent until it arrives, and an endpoint that takes nothing is left alone.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::receiver::{Receiver, Reply, status};
use crate::site::Site;
use crate::support::app::{CredentialOptions, Tenant};
use crate::support::events::feed;
use crate::support::logs::Logs;
use crate::support::wait::until;

#[tokio::test]
async fn event_is_given_up_after_ten_attempts() {
    let site = Site::new().await;
    let receiver = Receiver::answering(|_, _| status(500)).await;
    let endpoint = site.endpoint(&receiver.url).await;
    let _running = site.deliver();
    site.pay(&site.tenant, 1).await;
    for attempts in 1..=10 {
        site.stored(endpoint, attempts).await;
        // Longer than the wait at hand, and shorter than what follows.
        let wait = [6, 331, 1_981, 7_921, 19_801, 39_601, 55_441, 79_201, 95_041, 0][attempts - 1];
        assert_eq!(site.open_retries(endpoint).await, usize::from(attempts < 10), "{attempts}");
        site.pass(Duration::from_secs(wait));
    }
    let delivered = receiver.received();
    assert_eq!(delivered.len(), 10);
    assert!(delivered.iter().all(|again| again.id() == delivered[0].id()), "the same id in all attempts");
    assert_eq!(site.disabled(endpoint).await, None);
}

#[tokio::test]
async fn endpoint_that_is_back_gets_everything_at_once() {
    let site = Site::new().await;
    let receiver = Receiver::answering(|before, _| status(if before < 6 { 503 } else { 200 })).await;
    let endpoint = site.endpoint(&receiver.url).await;
    let mut paid = site.pay(&site.tenant, 10).await;
    let _running = site.deliver();
    // After three failures it gets one event at a time, and less and less often.
    for calls in 3..=6 {
        site.stored(endpoint, calls).await;
        assert_eq!(receiver.count(), calls);
        site.pass(Duration::from_secs(9));
    }
    site.stored(endpoint, 16).await;
    assert_eq!(site.open_retries(endpoint).await, 0, "retries that were due in five minutes, too");
    let mut arrived: Vec<_> = receiver.objects().split_off(6);
    arrived.sort();
    paid.sort();
    assert_eq!(arrived, paid);
}

#[tokio::test]
async fn failing_endpoint_gets_one_event_of_all_connections() {
    let site = Site::new().await;
    let receiver = Receiver::answering(|_, _| status(503)).await;
    let endpoint = site.endpoint_for(&receiver.url, "accounting.*").await;
    for _ in 0..4 {
        let (connection_id, connection_token) =
            site.app.connection(site.tenant.project_id, CredentialOptions::default()).await;
        site.pay(&Tenant { connection_id, connection_token, ..site.tenant.clone() }, 1).await;
    }
    let _running = site.deliver();
    site.stored(endpoint, 4).await;
    // All four are due again.
    site.pass(Duration::from_secs(9));
    site.stored(endpoint, 5).await;
    assert_eq!(site.outcomes(endpoint).await.len(), 5);
}

#[tokio::test]
async fn endpoint_with_many_retries_does_not_go_on_and_loses_nothing() {
    let site = Site::new().await;
    // Most calls fail, but never three in a row.
    let receiver =
        Receiver::answering(|before, _| status(if before < 250 && before % 3 != 0 { 500 } else { 200 })).await;
    let endpoint = site.endpoint(&receiver.url).await;
    let mut paid = site.pay(&site.tenant, 300).await;
    let running = site.deliver();
    site.stored(endpoint, 250).await;
    running.stop().await;
    assert_eq!(site.open_retries(endpoint).await, 166);
    let running = site.deliver();
    let other = Receiver::start().await;
    site.endpoint(&other.url).await;
    paid.extend(site.pay(&site.tenant, 1).await);
    until("others go on", async || other.count() == 1).await;
    assert_eq!(receiver.count(), 250, "the rest waits in the feed");
    site.pass(Duration::from_secs(6));
    site.stored(endpoint, 250 + 166 + 51).await;
    running.stop().await;
    let mut objects = receiver.objects();
    objects.sort();
    objects.dedup();
    paid.sort();
    assert_eq!(objects, paid);
}

#[tokio::test]
async fn endpoint_is_left_alone_as_long_as_it_asks() {
    let site = Site::new().await;
    let receiver = Receiver::answering(|before, _| match before {
        0 => Reply::Answer(429, vec![("retry-after", "600".to_owned())], String::new()),
        _ => status(200),
    })
    .await;
    let endpoint = site.endpoint(&receiver.url).await;
    let other = Receiver::start().await;
    site.endpoint(&other.url).await;
    let _running = site.deliver();
    site.pay(&site.tenant, 3).await;
    site.stored(endpoint, 1).await;
    site.pass(Duration::from_secs(590));
    // What comes now passes the endpoint by, because it comes later than the look at it.
    site.pay(&site.tenant, 1).await;
    until("the other endpoint has all", async || other.count() >= 4).await;
    assert_eq!(receiver.count(), 1);
    site.pass(Duration::from_secs(70));
    until("all have come", async || receiver.count() >= 5).await;
    let [first, second, ..] = &receiver.received()[..] else { panic!("not two calls") };
    assert_eq!(first.id(), second.id(), "in order again");
    // By the clock of the test.
    assert!(second.timestamp() >= first.timestamp() + 600, "it was called too early");
}

#[tokio::test]
async fn gone_endpoint_is_disabled_at_once_and_others_hear_of_it() {
    let site = Site::new().await;
    let (gone, other) = (Receiver::answering(|_, _| status(410)).await, Receiver::start().await);
    let endpoint = site.endpoint(&gone.url).await;
    site.endpoint(&other.url).await;
    let _running = site.deliver();
    site.pay(&site.tenant, 3).await;
    until("the others hear of it", async || other.count() >= 4).await;
    assert_eq!(site.disabled(endpoint).await.as_deref(), Some("gone"));
    let of_endpoint: Vec<_> =
        other.received().into_iter().filter(|event| event.body["type"] == "webhook_endpoint.disabled").collect();
    assert_eq!(of_endpoint.len(), 1);
    assert_eq!(of_endpoint[0].object(), endpoint.to_string());
    assert_eq!(gone.count(), 1);
}

#[tokio::test]
async fn endpoint_that_was_paused_meanwhile_stays_paused() {
    let site = Site::new().await;
    let logs = Logs::catch("unibooks=warn");
    let permits = Arc::new(Semaphore::new(0));
    let own = Arc::clone(&permits);
    let gone = Receiver::answering(move |_, _| Reply::Held(Arc::clone(&own), 410)).await;
    let endpoint = site.endpoint(&gone.url).await;
    let running = site.deliver();
    site.pay(&site.tenant, 1).await;
    until("it is called", async || gone.count() == 1).await;
    site.pause(endpoint).await;
    permits.add_permits(1);
    running.stop().await;
    assert_eq!(site.outcomes(endpoint).await, ["410"]);
    assert_eq!(site.disabled(endpoint).await.as_deref(), Some("paused"));
    assert!(!logs.text().contains("was disabled"), "nobody disabled it: {}", logs.text());
    assert!(!feed(&site.app.database, site.tenant.project_id).await.names().contains(&"webhook_endpoint.disabled"));
}

#[tokio::test]
async fn endpoint_is_disabled_after_five_days_without_a_success() {
    let site = Site::new().await;
    let receiver = Receiver::answering(|before, _| status(if before == 2 { 200 } else { 500 })).await;
    let endpoint = site.endpoint(&receiver.url).await;
    let _running = site.deliver();
    site.pay(&site.tenant, 1).await;
    site.stored(endpoint, 1).await;
    site.pass(Duration::from_hours(119));
    site.stored(endpoint, 2).await;
    assert_eq!(site.disabled(endpoint).await, None, "not five days yet");
    // After one success the days are counted from there.
    site.pass(Duration::from_mins(6));
    site.stored(endpoint, 3).await;
    site.pass(Duration::from_hours(119));
    site.pay(&site.tenant, 1).await;
    site.stored(endpoint, 4).await;
    site.pass(Duration::from_hours(120));
    until("it is disabled", async || site.disabled(endpoint).await.as_deref() == Some("failing")).await;
    assert_eq!(receiver.count(), 5);
}
