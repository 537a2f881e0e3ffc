//! Look-ups that are under way. Requests of one caller that come together share one: at the start, or when what the
//! cache knows has come to its end, hundreds would else ask the database the same at the same moment, and each wait
//! for a connection that the others hold.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::cache::{Hashes, LookUp};
use super::store::CredentialRow;
use crate::db;

/// What a look-up ended with; a failure is everybody's.
type Outcome = Result<Option<CredentialRow>, db::Error>;

/// Cheap to clone: all clones share the same look-ups.
#[derive(Debug, Clone, Default)]
pub(in crate::auth) struct SingleFlight(Arc<Mutex<HashMap<Hashes, Shared>>>);

#[derive(Debug, Clone)]
struct Shared {
    began: LookUp,
    outcome: Arc<OnceCell<Outcome>>,
}

impl SingleFlight {
    /// The outcome of the look-up of this pair that is under way, or else of `ask`. One that began before a change or
    /// too long ago is not joined.
    pub async fn share<F>(&self, hashes: Hashes, began: LookUp, ask: impl FnOnce() -> F) -> Outcome
    where
        F: Future<Output = Outcome>,
    {
        let shared = {
            let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match under_way.get(&hashes) {
                Some(other) if other.began.serves(began) => other.clone(),
                _ => {
                    let new = Shared { began, outcome: Arc::default() };
                    under_way.insert(hashes, new.clone());
                    new
                }
            }
        };
        let waiting = Waiter { single_flight: self, hashes, outcome: shared.outcome };
        // When the one who asks goes away, the next one who waits asks.
        waiting.outcome.get_or_init(ask).await.clone()
    }
}

/// Clears up behind the first who has the outcome, and behind the last who went away without.
struct Waiter<'a> {
    single_flight: &'a SingleFlight,
    hashes: Hashes,
    outcome: Arc<OnceCell<Outcome>>,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut under_way = self.single_flight.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ours = under_way.get(&self.hashes).is_some_and(|other| Arc::ptr_eq(&other.outcome, &self.outcome));
        // One is the map's, one is ours.
        let is_last = Arc::strong_count(&self.outcome) == 2;
        if is_ours && (self.outcome.initialized() || is_last) {
            under_way.remove(&self.hashes);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::auth::credentials::cache::Cache;

    const PAIR: Hashes = ([1; 32], [2; 32]);

    fn look_up(cache: &Cache, at: &str) -> LookUp {
        cache.get(&PAIR, at.parse().expect("a time")).expect_err("nothing is known")
    }

    #[tokio::test]
    async fn waiter_takes_over_an_abandoned_look_up() {
        let (single_flight, cache) = (SingleFlight::default(), Cache::new());
        let now = look_up(&cache, "2026-01-01T00:00:00Z");
        let first = single_flight.clone();
        let first = tokio::spawn(async move { first.share(PAIR, now, pending).await });
        tokio::task::yield_now().await;
        let second = single_flight.share(PAIR, now, || ready(Ok(None)));
        let (outcome, ()) = tokio::join!(second, async { first.abort() });
        assert!(matches!(outcome, Ok(None)));
        assert!(single_flight.0.lock().expect("no panic").is_empty());
    }

    #[tokio::test]
    async fn look_up_from_before_a_change_is_not_shared() {
        let (single_flight, cache) = (SingleFlight::default(), Cache::new());
        let asked = AtomicU32::new(0);
        let stuck = look_up(&cache, "2026-01-01T00:00:00Z");
        let waiting = single_flight.clone();
        let waiting = tokio::spawn(async move { waiting.share(PAIR, stuck, pending).await });
        tokio::task::yield_now().await;
        let ask = async || {
            asked.fetch_add(1, Ordering::Relaxed);
            Ok(None)
        };
        let later = look_up(&cache, "2026-01-01T00:00:01Z");
        single_flight.share(PAIR, later, ask).await.expect("asked");
        cache.forget();
        let changed = look_up(&cache, "2026-01-01T00:00:00Z");
        single_flight.share(PAIR, changed, ask).await.expect("asked");
        assert_eq!(asked.into_inner(), 2);
        waiting.abort();
    }
}
