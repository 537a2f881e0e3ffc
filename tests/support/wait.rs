//! Waiting for a condition.

use std::time::{Duration, Instant};

/// How long a condition is waited for: a minute, so that only a fault reaches it. `UNIBOOKS_TEST_PATIENCE` says it in
/// seconds, for programs with a known fault.
fn patience() -> Duration {
    let seconds = std::env::var("UNIBOOKS_TEST_PATIENCE").map_or(60, |text| text.parse().expect("a number of seconds"));
    Duration::from_secs(seconds)
}

/// Waits until a condition holds.
///
/// # Panics
/// If the condition does not hold in time.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < patience(), "waited in vain until {what}");
        tokio::task::yield_now().await;
    }
}
