//! Shows that long work goes on.

use std::pin::pin;
use std::time::Duration;

use tokio::time::Instant;

/// The interval at which progress is logged.
const INTERVAL: Duration = Duration::from_secs(10);

/// Calls `log` with the seconds so far, at intervals until the work is done. Returns its outcome and how long it took.
pub(super) async fn with_progress<T>(log: impl Fn(u64), work: impl Future<Output = T>) -> (T, Duration) {
    let started = Instant::now();
    let mut work = pin!(work);
    loop {
        if let Ok(done) = tokio::time::timeout(INTERVAL, &mut work).await {
            return (done, started.elapsed());
        }
        log(started.elapsed().as_secs());
    }
}
