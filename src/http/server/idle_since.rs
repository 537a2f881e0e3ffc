//! When a socket became idle, in an atomic of its own: requests update it without a lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// How long a new socket may be silent before it counts as idle: its first request is on its way.
const FIRST_REQUEST: Duration = Duration::from_secs(1);
/// The value of a socket that is not idle.
pub(super) const BUSY: u64 = u64::MAX;

/// The time since when a socket is idle. Cheap to clone: all clones share it.
#[derive(Debug, Clone)]
pub struct IdleSince {
    /// In microseconds after `epoch`.
    since: Arc<AtomicU64>,
    epoch: Instant,
}

impl IdleSince {
    /// The value of a socket that is opened now.
    #[must_use]
    pub fn of_new_socket(epoch: Instant) -> Self {
        let since = microseconds(epoch.elapsed() + FIRST_REQUEST);
        Self { since: Arc::new(AtomicU64::new(since)), epoch }
    }

    /// The response is ready, or completely sent. A socket that is idle already keeps its time.
    pub fn mark_idle(&self) {
        if self.get() == BUSY {
            self.since.store(microseconds(self.epoch.elapsed()), Ordering::Relaxed);
        }
    }

    /// A request begins, or a response waits for its reader.
    pub fn mark_busy(&self) {
        self.since.store(BUSY, Ordering::Relaxed);
    }

    /// In microseconds after the epoch; in the future for a new socket, [`BUSY`] for a busy one.
    pub(super) fn get(&self) -> u64 {
        self.since.load(Ordering::Relaxed)
    }
}

/// A time after the epoch, in microseconds.
pub(super) fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(BUSY - 1)
}
