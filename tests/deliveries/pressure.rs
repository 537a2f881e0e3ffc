//! Deliveries give way to calls that wait for a processor.

use std::time::{Duration, Instant};

use unibooks::pressure::Pressure;

use crate::receiver::Receiver;
use crate::site::Site;
use crate::support::wait::until;

#[tokio::test]
async fn deliveries_rest_while_calls_wait_and_go_on() {
    let site = Site::new().await;
    let receiver = Receiver::start().await;
    site.endpoint(&receiver.url).await;
    // Calls on thirty threads wait for one processor: a delivery is followed by 0.3 seconds of rest.
    let start = Instant::now();
    let pressure = Pressure::counted(move || start.elapsed() * 30, 1);
    until("calls have waited", async || pressure.level() > 29_000).await;
    let _running = site.deliver_under(pressure);
    let before = Instant::now();
    for number in 1..=2 {
        site.pay(&site.tenant, 1).await;
        until("it has come", async || receiver.count() >= number).await;
    }
    assert!(before.elapsed() >= Duration::from_millis(290));
}
