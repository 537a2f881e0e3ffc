//! API keys take turns at the connections for lists.
//!
//! A key that is alone may use all of them. When another key waits, the next one that comes free goes to the waiting key
//! that holds the fewest, and among equals to the one that has waited longest. So a key that asks much waits for its
//! own, and another one waits for one list at most.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::error::Error;
use crate::domain::ApiKeyId;

/// The turns. Cheap to clone: all clones share them.
#[derive(Debug, Clone)]
pub(super) struct Turns(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    free: u32,
    held: HashMap<ApiKeyId, u32>,
    /// In the order in which they came.
    waiting: Vec<(ApiKeyId, oneshot::Sender<()>)>,
}

/// The right to use one of the connections. Ends when it is dropped.
#[derive(Debug)]
pub struct Turn {
    turns: Turns,
    key: ApiKeyId,
}

impl Turns {
    /// `count` turns at a time.
    pub fn new(count: u32) -> Self {
        Self(Arc::new(Mutex::new(Inner { free: count, held: HashMap::new(), waiting: Vec::new() })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn of `key`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when there is none before the timeout.
    pub async fn take(&self, key: ApiKeyId, timeout: Duration) -> Result<Turn, Error> {
        let given = {
            let mut inner = self.lock();
            let (give, given) = oneshot::channel();
            inner.waiting.retain(|(_, give)| !give.is_closed());
            inner.waiting.push((key, give));
            inner.give();
            given
        };
        let mut waiting = Waiting { turns: self, key, given };
        let given = tokio::time::timeout(timeout, &mut waiting.given).await;
        if matches!(given, Ok(Ok(()))) {
            return Ok(Turn { turns: self.clone(), key });
        }
        Err(Error::unavailable(sqlx::Error::PoolTimedOut))
    }
}

/// A turn that is waited for. One that was given just when its waiter left is given back.
struct Waiting<'a> {
    turns: &'a Turns,
    key: ApiKeyId,
    given: oneshot::Receiver<()>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.given.close();
        if self.given.try_recv().is_ok() {
            self.turns.lock().end(self.key);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.lock().end(self.key);
    }
}

impl Inner {
    fn end(&mut self, key: ApiKeyId) {
        if let Entry::Occupied(mut held) = self.held.entry(key) {
            *held.get_mut() -= 1;
            if *held.get() == 0 {
                held.remove();
            }
        }
        self.free += 1;
        self.give();
    }

    /// Gives what is free to those who wait.
    fn give(&mut self) {
        while self.free > 0 {
            let held = |key| self.held.get(key).copied().unwrap_or(0);
            let next = self.waiting.iter().enumerate().min_by_key(|(_, (key, _))| held(key)).map(|(at, _)| at);
            let Some(at) = next else { return };
            let (key, give) = self.waiting.remove(at);
            // Who has left gets nothing.
            if give.send(()).is_ok() {
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
    async fn key_alone_takes_every_turn_and_then_waits() {
        let (turns, key) = (Turns::new(2), key());
        let held = (turns.take(key, SOON).await.expect("a turn"), turns.take(key, SOON).await.expect("a turn"));
        assert!(turns.take(key, SOON).await.is_err());
        drop(held);
        assert!(turns.take(key, SOON).await.is_ok());
        let inner = turns.lock();
        assert!(inner.free == 2 && inner.held.is_empty(), "{inner:?}");
    }

    #[tokio::test]
    async fn next_turn_goes_to_the_key_with_fewest() {
        let (turns, many, few) = (Turns::new(2), key(), key());
        let long = Duration::from_mins(1);
        let held = [turns.take(many, long).await.expect("a turn"), turns.take(many, long).await.expect("a turn")];
        let (first, second) = (turns.take(many, long), turns.take(few, long));
        let mut waiting = (Box::pin(first), Box::pin(second));
        // Both wait, the key with many turns first.
        assert!(tokio::time::timeout(SOON, &mut waiting.0).await.is_err());
        assert!(tokio::time::timeout(SOON, &mut waiting.1).await.is_err());
        let [one, other] = held;
        drop(one);
        let given = waiting.1.await.expect("its turn");
        assert!(tokio::time::timeout(SOON, &mut waiting.0).await.is_err());
        drop((other, given));
        assert!(waiting.0.await.is_ok());
    }
}
