//! Single flight: concurrent look-ups of the same credentials share one query. Otherwise a cold cache would send hundreds
//! of equal queries, all waiting for the same few sessions of the pool.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::cache::{CredentialHashes, LookUpStart};
use super::store::CredentialRow;
use crate::db;

/// The result of a look-up. All that wait for it share a failure, too.
type Outcome = Result<Option<CredentialRow>, db::Error>;

/// The look-ups in flight. Cheap to clone: all clones share them.
#[derive(Debug, Clone, Default)]
pub(in crate::auth) struct SingleFlight(Arc<Mutex<HashMap<CredentialHashes, Flight>>>);

#[derive(Debug, Clone)]
struct Flight {
    start: LookUpStart,
    outcome: Arc<OnceCell<Outcome>>,
}

impl SingleFlight {
    /// The outcome of the look-up of this pair that is in flight, or else of `look_up`. A flight that started before a
    /// revocation or too long ago is not joined.
    pub async fn run<F>(&self, hashes: CredentialHashes, start: LookUpStart, look_up: impl FnOnce() -> F) -> Outcome
    where
        F: Future<Output = Outcome>,
    {
        let flight = {
            let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match flights.get(&hashes) {
                Some(flight) if flight.start.is_fresh(start) => flight.clone(),
                _ => {
                    let flight = Flight { start, outcome: Arc::default() };
                    flights.insert(hashes, flight.clone());
                    flight
                }
            }
        };
        let waiter = Waiter { single_flight: self, hashes, outcome: flight.outcome };
        // When the request that runs the look-up is cancelled, the next waiter runs its own.
        waiter.outcome.get_or_init(look_up).await.clone()
    }
}

/// A request that waits for a flight. The first that gets the outcome removes the flight, or else the last that is
/// cancelled.
struct Waiter<'a> {
    single_flight: &'a SingleFlight,
    hashes: CredentialHashes,
    outcome: Arc<OnceCell<Outcome>>,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut flights = self.single_flight.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ours = flights.get(&self.hashes).is_some_and(|flight| Arc::ptr_eq(&flight.outcome, &self.outcome));
        // The map has one reference, this waiter the other.
        let is_last = Arc::strong_count(&self.outcome) == 2;
        if is_ours && (self.outcome.initialized() || is_last) {
            flights.remove(&self.hashes);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::auth::credentials::cache::Cache;

    const PAIR: CredentialHashes = ([1; 32], [2; 32]);

    fn start(cache: &Cache, at: &str) -> LookUpStart {
        cache.get(&PAIR, at.parse().expect("a time")).expect_err("the cache is empty")
    }

    #[tokio::test]
    async fn waiter_takes_over_an_abandoned_look_up() {
        let (single_flight, cache) = (SingleFlight::default(), Cache::new());
        let now = start(&cache, "2026-01-01T00:00:00Z");
        let first = single_flight.clone();
        let first = tokio::spawn(async move { first.run(PAIR, now, pending).await });
        tokio::task::yield_now().await;
        let second = single_flight.run(PAIR, now, || ready(Ok(None)));
        let (outcome, ()) = tokio::join!(second, async { first.abort() });
        assert!(matches!(outcome, Ok(None)));
        assert!(single_flight.0.lock().expect("no panic").is_empty());
    }

    #[tokio::test]
    async fn look_up_from_before_a_change_is_not_shared() {
        let (single_flight, cache) = (SingleFlight::default(), Cache::new());
        let look_ups = AtomicU32::new(0);
        let stuck = start(&cache, "2026-01-01T00:00:00Z");
        let waiting = single_flight.clone();
        let waiting = tokio::spawn(async move { waiting.run(PAIR, stuck, pending).await });
        tokio::task::yield_now().await;
        let look_up = async || {
            look_ups.fetch_add(1, Ordering::Relaxed);
            Ok(None)
        };
        let later = start(&cache, "2026-01-01T00:00:01Z");
        single_flight.run(PAIR, later, look_up).await.expect("looked up");
        cache.invalidate();
        let changed = start(&cache, "2026-01-01T00:00:00Z");
        single_flight.run(PAIR, changed, look_up).await.expect("looked up");
        assert_eq!(look_ups.into_inner(), 2);
        waiting.abort();
    }
}
