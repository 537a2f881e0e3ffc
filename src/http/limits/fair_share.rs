//! A limited amount that API keys share: request slots, bytes of bodies.
//!
//! The promise: a single key may take the whole amount. When nothing is left, a key below its equal share (the amount
//! divided by the number of keys that hold some) still takes from a reserve of half the amount. A key that holds its
//! equal share or more is refused until enough is returned. Shares are never revoked. So the key that holds most is
//! refused first, and no key is refused a small amount because of another key's large one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::ApiKeyId;

/// A limited amount. Cheap to clone: all clones share it.
#[derive(Debug, Clone)]
pub struct FairShare(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    amount: usize,
    usage: Mutex<Usage>,
}

#[derive(Debug, Default)]
struct Usage {
    total: usize,
    by_key: HashMap<ApiKeyId, KeyUsage>,
}

#[derive(Debug, Default)]
struct KeyUsage {
    amount: usize,
    /// The number of [`Share`]s; a share of zero counts too.
    shares: usize,
}

impl FairShare {
    /// `amount` for all keys together, plus half of it in reserve.
    #[must_use]
    pub fn new(amount: usize) -> Self {
        Self(Arc::new(Inner { amount, usage: Mutex::default() }))
    }

    /// Takes `amount` for `key`. `None` when the key may not take this much now.
    #[must_use]
    pub fn take(&self, key: ApiKeyId, amount: usize) -> Option<Share> {
        let mut usage = self.0.usage.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.take(&mut usage, key, amount)?;
        usage.by_key.entry(key).or_default().shares += 1;
        Some(Share { source: self.clone(), key, amount })
    }
}

impl Inner {
    fn take(&self, usage: &mut Usage, key: ApiKeyId, more: usize) -> Option<()> {
        let of_key = usage.by_key.get(&key).map(|usage| usage.amount);
        let keys = usage.by_key.len() + usize::from(of_key.is_none());
        let (of_key, total) = (of_key.unwrap_or(0) + more, usage.total + more);
        let has_room = total <= self.amount;
        // At least one. With zero, many keys would leave the reserve unused.
        let equal_share = (self.amount / keys).max(1);
        let is_below_share = of_key <= equal_share && total <= self.amount + (self.amount / 2).max(1);
        if !has_room && !is_below_share {
            return None;
        }
        usage.by_key.entry(key).or_default().amount = of_key;
        usage.total = total;
        Some(())
    }
}

/// An amount that was taken. Dropping it returns the amount.
#[derive(Debug)]
pub struct Share {
    source: FairShare,
    key: ApiKeyId,
    amount: usize,
}

impl Share {
    /// Takes `more` of the same amount. `None`, with nothing taken, when the key may not take this much now.
    #[must_use]
    pub fn grow(&mut self, more: usize) -> Option<()> {
        let mut usage = self.source.0.usage.lock().unwrap_or_else(PoisonError::into_inner);
        self.source.0.take(&mut usage, self.key, more)?;
        self.amount += more;
        Some(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut usage = self.source.0.usage.lock().unwrap_or_else(PoisonError::into_inner);
        usage.total -= self.amount;
        if let Some(of_key) = usage.by_key.get_mut(&self.key) {
            of_key.amount -= self.amount;
            of_key.shares -= 1;
            if of_key.shares == 0 {
                usage.by_key.remove(&self.key);
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

    fn take(slots: &FairShare, key: ApiKeyId, count: usize) -> Vec<Share> {
        (0..count).map_while(|_| slots.take(key, 1)).collect()
    }

    #[test]
    fn key_that_is_alone_takes_all_slots_and_no_more() {
        let slots = FairShare::new(64);
        assert_eq!(take(&slots, key(), 100).len(), 64);
    }

    #[test]
    fn newcomer_gets_its_equal_share_while_another_holds_all() {
        let (slots, many, few) = (FairShare::new(64), key(), key());
        let mut first = take(&slots, many, 64);
        let second = take(&slots, few, 100);
        assert_eq!(second.len(), 32);
        first.truncate(33);
        assert!(slots.take(many, 1).is_none(), "the key that holds most is refused first");
        assert!(slots.take(key(), 1).is_some());
        first.truncate(31);
        assert!(slots.take(many, 1).is_some());
    }

    #[test]
    fn returned_share_leaves_nothing_held() {
        let bytes = FairShare::new(10);
        let mut share = bytes.take(key(), 0).expect("room");
        assert_eq!((share.grow(10), share.grow(1)), (Some(()), None));
        drop(share);
        let usage = bytes.0.usage.lock().expect("no panic");
        assert!(usage.total == 0 && usage.by_key.is_empty());
    }
}
