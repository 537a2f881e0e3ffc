//! Shares the sessions for lists fairly among API keys.
//!
//! A key that is alone may use all of them. When other keys wait, the next free permit goes to the waiting key that
//! holds the fewest, and among equals to the one that has waited longest. So a key with many lists waits for its own,
//! and another key waits for one list at most.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::error::Error;
use crate::domain::ApiKeyId;

/// A queue for a fixed number of permits. Cheap to clone: all clones share it.
#[derive(Debug, Clone)]
pub(super) struct FairQueue(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    free: u32,
    held: HashMap<ApiKeyId, u32>,
    /// In the order of their arrival.
    waiting: Vec<(ApiKeyId, oneshot::Sender<()>)>,
}

/// The right to use one session. Returned when it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    queue: FairQueue,
    key: ApiKeyId,
}

impl FairQueue {
    /// A queue for `permits` at a time.
    pub fn new(permits: u32) -> Self {
        Self(Arc::new(Mutex::new(State { free: permits, held: HashMap::new(), waiting: Vec::new() })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a permit for `key`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when there is none before the timeout.
    pub async fn acquire(&self, key: ApiKeyId, timeout: Duration) -> Result<Permit, Error> {
        let granted = {
            let mut state = self.lock();
            let (grant, granted) = oneshot::channel();
            state.waiting.retain(|(_, grant)| !grant.is_closed());
            state.waiting.push((key, grant));
            state.grant();
            granted
        };
        let mut waiter = Waiter { queue: self, key, granted };
        let granted = tokio::time::timeout(timeout, &mut waiter.granted).await;
        if matches!(granted, Ok(Ok(()))) {
            return Ok(Permit { queue: self.clone(), key });
        }
        Err(Error::unavailable(sqlx::Error::PoolTimedOut))
    }
}

/// A place in the queue. A permit that is granted just when its waiter leaves is returned.
struct Waiter<'a> {
    queue: &'a FairQueue,
    key: ApiKeyId,
    granted: oneshot::Receiver<()>,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.granted.close();
        if self.granted.try_recv().is_ok() {
            self.queue.lock().release(self.key);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.queue.lock().release(self.key);
    }
}

impl State {
    fn release(&mut self, key: ApiKeyId) {
        if let Entry::Occupied(mut held) = self.held.entry(key) {
            *held.get_mut() -= 1;
            if *held.get() == 0 {
                held.remove();
            }
        }
        self.free += 1;
        self.grant();
    }

    /// Grants the free permits to waiters.
    fn grant(&mut self) {
        while self.free > 0 {
            let held = |key| self.held.get(key).copied().unwrap_or(0);
            let next = self.waiting.iter().enumerate().min_by_key(|(_, (key, _))| held(key)).map(|(at, _)| at);
            let Some(at) = next else { return };
            let (key, grant) = self.waiting.remove(at);
            // A waiter that has left gets no permit.
            if grant.send(()).is_ok() {
                *self.held.entry(key).or_default() += 1;
                self.free -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Clock;

    const SOON: Duration = Duration::from_millis(1);

    fn key() -> ApiKeyId {
        ApiKeyId::new(Clock::system().now())
    }

    #[tokio::test]
    async fn key_that_is_alone_gets_every_permit_and_then_waits() {
        let (queue, key) = (FairQueue::new(2), key());
        let held = (queue.acquire(key, SOON).await.expect("free"), queue.acquire(key, SOON).await.expect("free"));
        assert!(queue.acquire(key, SOON).await.is_err());
        drop(held);
        assert!(queue.acquire(key, SOON).await.is_ok());
        let state = queue.lock();
        assert!(state.free == 2 && state.held.is_empty(), "{state:?}");
    }

    #[tokio::test]
    async fn next_permit_goes_to_the_key_that_holds_fewest() {
        let (queue, many, few) = (FairQueue::new(2), key(), key());
        let long = Duration::from_mins(1);
        let held = [queue.acquire(many, long).await.expect("free"), queue.acquire(many, long).await.expect("free")];
        let (first, second) = (queue.acquire(many, long), queue.acquire(few, long));
        let mut waiting = (Box::pin(first), Box::pin(second));
        // Both wait, the key with many permits first.
        assert!(tokio::time::timeout(SOON, &mut waiting.0).await.is_err());
        assert!(tokio::time::timeout(SOON, &mut waiting.1).await.is_err());
        let [one, other] = held;
        drop(one);
        let granted = waiting.1.await.expect("the free permit");
        assert!(tokio::time::timeout(SOON, &mut waiting.0).await.is_err());
        drop((other, granted));
        assert!(waiting.0.await.is_ok());
    }
}
