//! Waiting for a condition.

use std::time::{Duration, Instant};

/// Waits until a condition holds. The limit is so long that only a fault reaches it.
///
/// # Panics
/// If the condition does not hold after a minute.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < Duration::from_mins(1), "waited in vain until {what}");
        tokio::task::yield_now().await;
    }
}
