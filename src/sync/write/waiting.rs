//! Calls that wait until a payment has reached the accounting software.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::domain::{ConnectionId, PaymentId};

/// The time between two looks at a payment that another server may write.
pub const INTERVAL: Duration = Duration::from_millis(500);

type Key = (ConnectionId, PaymentId);

/// The payments that calls of this process wait for. Bounded by the number of calls that wait.
#[derive(Debug, Clone, Default)]
pub struct Waiting(Arc<Mutex<HashMap<Key, Arc<Notify>>>>);

/// One call that waits. Dropped, it waits no more.
#[derive(Debug)]
pub struct Waiter {
    all: Waiting,
    key: Key,
    notify: Arc<Notify>,
}

impl Waiting {
    /// Begins to wait: what happens from now on is noticed.
    #[must_use]
    pub fn register(&self, connection: ConnectionId, payment: PaymentId) -> Waiter {
        let key = (connection, payment);
        let notify = Arc::clone(self.lock().entry(key).or_default());
        Waiter { all: self.clone(), key, notify }
    }

    /// A step of the payment's write has ended.
    pub fn notify(&self, connection: ConnectionId, payment: PaymentId) {
        if let Some(notify) = self.lock().get(&(connection, payment)) {
            // One permit is kept for a call that is just looking at the payment.
            notify.notify_waiters();
            notify.notify_one();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Arc<Notify>>> {
        // Each change is one call, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    /// Waits for a step of the write, at most until `until` or for [`INTERVAL`].
    pub async fn step(&self, until: Instant) {
        let until = until.min(Instant::now() + INTERVAL);
        timeout_at(until, self.notify.notified()).await.ok();
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        // The map's own and ours: nobody else waits for it.
        if all.get(&self.key).is_some_and(|notify| Arc::strong_count(notify) <= 2) {
            all.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn every_call_that_waits_is_woken_and_none_is_left() {
        let waiting = Waiting::default();
        let (connection, payment) = (ConnectionId(Uuid::from_u128(1)), PaymentId(Uuid::from_u128(2)));
        let waiters: Vec<_> = (0..3).map(|_| waiting.register(connection, payment)).collect();
        let far = Instant::now() + Duration::from_hours(1);
        let steps = waiters.iter().map(|waiter| waiter.step(far));
        let (_, ()) = tokio::join!(futures_util::future::join_all(steps), async {
            tokio::task::yield_now().await;
            waiting.notify(connection, payment);
        });
        drop(waiters);
        assert!(waiting.lock().is_empty());
    }
}
