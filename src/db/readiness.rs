//! Whether the database can be used, looked at once for all who ask at the same time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::error::Error;

/// How long an outcome counts.
const KEPT: Duration = Duration::from_millis(250);

/// When a look ended, and how.
type Look = (Instant, Result<(), Error>);

/// The last look. Cheap to clone: all clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Readiness(Arc<Mutex<Option<Look>>>);

impl Readiness {
    /// The outcome of the last `look`, unless it is older than 250 milliseconds. One look is under way at a time, and
    /// all callers that wait share its outcome. When its caller goes away, the next one looks.
    pub async fn share<F>(&self, look: impl FnOnce() -> F) -> Result<(), Error>
    where
        F: Future<Output = Result<(), Error>>,
    {
        let mut last = self.0.lock().await;
        if let Some((at, outcome)) = &*last
            && at.elapsed() < KEPT
        {
            return outcome.clone();
        }
        let outcome = look().await;
        *last = Some((Instant::now(), outcome.clone()));
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn waiting_probes_share_one_check_until_it_expires() {
        let (readiness, looks) = (Readiness::default(), AtomicU32::new(0));
        let look = async || {
            looks.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            Err(Error::unavailable(sqlx::Error::PoolTimedOut))
        };
        let (first, second) = tokio::join!(readiness.share(look), readiness.share(look));
        assert!(first.is_err() && second.is_err());
        assert_eq!(looks.load(Ordering::Relaxed), 1);
        // Ages the outcome, as if its time had passed.
        let mut last = readiness.0.lock().await;
        *last = Some((Instant::now() - KEPT, Ok(())));
        drop(last);
        assert!(readiness.share(look).await.is_err(), "an old outcome does not count");
        assert_eq!(looks.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn abandoned_check_is_taken_over_by_the_next_caller() {
        let readiness = Readiness::default();
        let first = readiness.clone();
        let first = tokio::spawn(async move { first.share(std::future::pending).await });
        tokio::task::yield_now().await;
        let (second, ()) = tokio::join!(readiness.share(async || Ok(())), async { first.abort() });
        assert!(second.is_ok());
    }
}
