//! Something of limited amount that API keys share: places for requests, bytes of bodies.
//!
//! The promise: a key that is alone may take all of it. When nothing is left, a key that holds less than its equal
//! share (the amount divided by the number of keys that hold some) still takes from a reserve of half as much again,
//! and a key that holds its equal share or more is refused until enough came back. What was taken is never taken
//! away. So the key that holds most is refused first, and a key that asks for little is not refused for what another
//! one holds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::ApiKeyId;

/// A limited amount. Cheap to clone: all clones share it.
#[derive(Debug, Clone)]
pub struct FairShare(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    amount: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    total: usize,
    by_key: HashMap<ApiKeyId, Holding>,
}

#[derive(Debug, Default)]
struct Holding {
    amount: usize,
    /// How many [`Share`]s hold it; a share of nothing counts too.
    shares: usize,
}

impl FairShare {
    /// `amount` for all keys together, and half as much in reserve.
    #[must_use]
    pub fn new(amount: usize) -> Self {
        Self(Arc::new(Inner { amount, held: Mutex::default() }))
    }

    /// Takes `amount` for `key`; `None` when the key may not have so much now.
    #[must_use]
    pub fn take(&self, key: ApiKeyId, amount: usize) -> Option<Share> {
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.take(&mut held, key, amount)?;
        held.by_key.entry(key).or_default().shares += 1;
        Some(Share { of: self.clone(), key, amount })
    }
}

impl Inner {
    fn take(&self, held: &mut Held, key: ApiKeyId, more: usize) -> Option<()> {
        let mine = held.by_key.get(&key).map(|holding| holding.amount);
        let keys = held.by_key.len() + usize::from(mine.is_none());
        let (mine, total) = (mine.unwrap_or(0) + more, held.total + more);
        let has_room = total <= self.amount;
        // Never below one, or many keys would leave the reserve unused.
        let equal_share = (self.amount / keys).max(1);
        let is_below_share = mine <= equal_share && total <= self.amount + (self.amount / 2).max(1);
        if !has_room && !is_below_share {
            return None;
        }
        held.by_key.entry(key).or_default().amount = mine;
        held.total = total;
        Some(())
    }
}

/// What was taken. Comes back when this is dropped.
#[derive(Debug)]
pub struct Share {
    of: FairShare,
    key: ApiKeyId,
    amount: usize,
}

impl Share {
    /// Takes `more` of the same; `None`, and nothing taken, when the key may not have so much now.
    #[must_use]
    pub fn grow(&mut self, more: usize) -> Option<()> {
        let mut held = self.of.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        self.of.0.take(&mut held, self.key, more)?;
        self.amount += more;
        Some(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.of.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.total -= self.amount;
        if let Some(holding) = held.by_key.get_mut(&self.key) {
            holding.amount -= self.amount;
            holding.shares -= 1;
            if holding.shares == 0 {
                held.by_key.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Clock;

    fn key() -> ApiKeyId {
        ApiKeyId::new(Clock::system().now())
    }

    fn take(places: &FairShare, key: ApiKeyId, count: usize) -> Vec<Share> {
        (0..count).map_while(|_| places.take(key, 1)).collect()
    }

    #[test]
    fn key_alone_may_take_all_places_and_no_more() {
        let places = FairShare::new(64);
        assert_eq!(take(&places, key(), 100).len(), 64);
    }

    #[test]
    fn newcomer_gets_its_equal_share_while_another_holds_all() {
        let (places, many, few) = (FairShare::new(64), key(), key());
        let mut first = take(&places, many, 64);
        let second = take(&places, few, 100);
        assert_eq!(second.len(), 32);
        first.truncate(33);
        assert!(places.take(many, 1).is_none(), "the key that holds most is refused first");
        assert!(places.take(key(), 1).is_some());
        first.truncate(31);
        assert!(places.take(many, 1).is_some());
    }

    #[test]
    fn returned_share_leaves_nothing_held() {
        let bytes = FairShare::new(10);
        let mut share = bytes.take(key(), 0).expect("room");
        assert_eq!((share.grow(10), share.grow(1)), (Some(()), None));
        drop(share);
        let held = bytes.0.held.lock().expect("no panic");
        assert!(held.total == 0 && held.by_key.is_empty());
    }
}
