//! Calls of endpoints are kept for a month.

use std::time::Duration;

use unibooks::domain::Clock;
use unibooks::webhooks::Retention;

use crate::receiver::Receiver;
use crate::site::Site;

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
