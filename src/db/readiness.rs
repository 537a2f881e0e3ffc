//! Whether the database can be used. Callers that ask at the same time share one check.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::error::Error;

/// How long an outcome is valid.
const TTL: Duration = Duration::from_millis(250);

/// When a check ended, and its outcome.
type Check = (Instant, Result<(), Error>);

/// The last check. Cheap to clone: all clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Readiness(Arc<Mutex<Option<Check>>>);

impl Readiness {
    /// The outcome of the last `check`, unless it is older than 250 milliseconds. One check runs at a time, and all
    /// callers that wait share its outcome. When its caller is cancelled, the next caller checks.
    pub async fn share<F>(&self, check: impl FnOnce() -> F) -> Result<(), Error>
    where
        F: Future<Output = Result<(), Error>>,
    {
        let mut last = self.0.lock().await;
        if let Some((at, outcome)) = &*last
            && at.elapsed() < TTL
        {
            return outcome.clone();
        }
        let outcome = check().await;
        *last = Some((Instant::now(), outcome.clone()));
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn one_check_serves_all_waiting_callers_until_it_expires() {
        let (readiness, checks) = (Readiness::default(), AtomicU32::new(0));
        let check = async || {
            checks.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            Err(Error::unavailable(sqlx::Error::PoolTimedOut))
        };
        let (first, second) = tokio::join!(readiness.share(check), readiness.share(check));
        assert!(first.is_err() && second.is_err());
        assert_eq!(checks.load(Ordering::Relaxed), 1);
        // As if it had expired.
        let mut last = readiness.0.lock().await;
        *last = Some((Instant::now() - TTL, Ok(())));
        drop(last);
        assert!(readiness.share(check).await.is_err(), "an expired outcome does not count");
        assert_eq!(checks.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn cancelled_caller_leaves_the_check_to_the_next() {
        let readiness = Readiness::default();
        let first = readiness.clone();
        let first = tokio::spawn(async move { first.share(std::future::pending).await });
        tokio::task::yield_now().await;
        let (second, ()) = tokio::join!(readiness.share(async || Ok(())), async { first.abort() });
        assert!(second.is_ok());
    }
}
