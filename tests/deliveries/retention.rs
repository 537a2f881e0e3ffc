//! Calls of endpoints are kept for a month, and events as long as the setting says.

use std::time::Duration;

use unibooks::domain::Clock;
use unibooks::webhooks::Retention;

use crate::receiver::{Receiver, status};
use crate::site::Site;
use crate::support::wait::until;

#[tokio::test]
async fn calls_are_removed_after_thirty_days() {
    let site = Site::new().await;
    let receiver = Receiver::start().await;
    let endpoint = site.endpoint(&receiver.url).await;
    let running = site.deliver();
    site.pay(&site.tenant, 3).await;
    site.stored(endpoint, 3).await;
    site.pass(Duration::from_hours(24));
    site.pay(&site.tenant, 1).await;
    site.stored(endpoint, 4).await;
    running.stop().await;
    for (hours, kept) in [(24 * 28, 4), (24 * 2 - 1, 1), (24, 0)] {
        site.pass(Duration::from_hours(hours));
        let now = site.now();
        let retention = Retention::new(site.worker(), Clock::new(move || now), Duration::from_hours(24));
        retention.pass().await.expect("removed");
        assert_eq!(site.outcomes(endpoint).await.len(), kept, "{hours}");
    }
}

#[tokio::test]
async fn retry_ends_once_its_event_is_removed() {
    let site = Site::new().await;
    let receiver = Receiver::answering(|_, _| status(500)).await;
    let endpoint = site.endpoint(&receiver.url).await;
    let running = site.deliver();
    site.pay(&site.tenant, 1).await;
    site.stored(endpoint, 1).await;
    running.stop().await;
    assert_eq!(site.open_retries(endpoint).await, 1);
    site.pass(Duration::from_hours(25));
    let now = site.now();
    Retention::new(site.worker(), Clock::new(move || now), Duration::from_hours(24)).pass().await.expect("removed");
    let _running = site.deliver();
    until("the retry has ended", async || site.open_retries(endpoint).await == 0).await;
    assert_eq!(receiver.count(), 1, "there is nothing left to send");
}
