//! Keys that had no work a moment ago.

use std::collections::{HashSet, VecDeque};
use std::future;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Keys that are left alone for a while. All rest equally long, so they end in the order in which they came.
#[derive(Debug)]
pub struct Resting<K> {
    rest: Duration,
    ends: VecDeque<(Instant, K)>,
    keys: HashSet<K>,
}

impl<K: Copy + Eq + Hash> Resting<K> {
    /// Each key rests for `rest`.
    pub fn new(rest: Duration) -> Self {
        Self { rest, ends: VecDeque::new(), keys: HashSet::new() }
    }

    /// A key begins to rest.
    pub fn push(&mut self, key: K) {
        if !self.rest.is_zero() && self.keys.insert(key) {
            self.ends.push_back((Instant::now() + self.rest, key));
        }
    }

    /// Whether a key rests.
    pub fn contains(&self, key: &K) -> bool {
        self.keys.contains(key)
    }

    /// Waits until a key has rested; for ever when none does.
    pub async fn end_one(&mut self) {
        let Some((end, key)) = self.ends.front().copied() else { return future::pending().await };
        sleep_until(end).await;
        self.ends.pop_front();
        self.keys.remove(&key);
    }
}
