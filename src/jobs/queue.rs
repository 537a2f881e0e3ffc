//! Who is next: each key once, in the order in which they came.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Keys that wait for their turn. A key is there at most once, so the queue holds no more than there are keys with work.
#[derive(Debug)]
pub struct Queue<K> {
    order: VecDeque<K>,
    known: HashSet<K>,
}

impl<K> Default for Queue<K> {
    fn default() -> Self {
        Self { order: VecDeque::new(), known: HashSet::new() }
    }
}

impl<K: Copy + Eq + Hash> Queue<K> {
    /// Puts a key at the end, unless it waits already.
    pub fn push(&mut self, key: K) {
        if self.known.insert(key) {
            self.order.push_back(key);
        }
    }

    /// The first key for which `is_free` holds.
    pub fn pop(&mut self, is_free: impl Fn(&K) -> bool) -> Option<K> {
        let position = self.order.iter().position(is_free)?;
        let key = self.order.remove(position)?;
        self.known.remove(&key);
        Some(key)
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }
}

/// New work of this server, so that it need not be looked for. Cheap to clone: all clones share it.
#[derive(Debug)]
pub struct Woken<K>(Arc<Shared<K>>);

#[derive(Debug)]
struct Shared<K> {
    keys: Mutex<Queue<K>>,
    notify: Notify,
}

impl<K> Clone for Woken<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> Default for Woken<K> {
    fn default() -> Self {
        Self(Arc::new(Shared { keys: Mutex::default(), notify: Notify::new() }))
    }
}

impl<K: Copy + Eq + Hash> Woken<K> {
    /// The most keys that are kept. Work of others is found by looking for it.
    const CAPACITY: usize = 1_024;

    /// There is work for `key`. Returns at once.
    pub fn wake(&self, key: K) {
        let mut keys = self.keys();
        if keys.len() < Self::CAPACITY {
            keys.push(key);
        }
        drop(keys);
        self.0.notify.notify_one();
    }

    /// The next key with new work. Only one task may wait here.
    pub(super) async fn next(&self) -> K {
        loop {
            if let Some(key) = self.keys().pop(|_| true) {
                return key;
            }
            self.0.notify.notified().await;
        }
    }

    fn keys(&self) -> MutexGuard<'_, Queue<K>> {
        // A panic elsewhere leaves a queue that is whole.
        self.0.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_take_turns_and_wait_once() {
        let mut queue = Queue::default();
        for key in [1, 2, 1, 3, 2] {
            queue.push(key);
        }
        assert_eq!(queue.len(), 3);
        assert_eq!(queue.pop(|key| *key != 1), Some(2), "1 is not free");
        queue.push(2);
        assert_eq!([queue.pop(|_| true), queue.pop(|_| true), queue.pop(|_| true)], [Some(1), Some(3), Some(2)]);
        assert_eq!(queue.len(), 0);
    }
}
