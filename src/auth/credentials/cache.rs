//! A cache of credential look-ups. A caller who sends many requests costs the database one look-up a second, not one a
//! request.
//!
//! A revocation invalidates the whole cache at once ([`super::revocations`]). If its notification is lost, the short life
//! of an entry limits for how long a revoked key still works. Only valid pairs are cached: guessed keys take no room, and
//! a new key works from its first use.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use quick_cache::sync::Cache as Bounded;

use super::store::CredentialRow;

/// How long an entry may be used.
const LIFE: TimeDelta = TimeDelta::seconds(1);
/// The most entries, of some 200 bytes each. When more callers come within a second, some are looked up again.
const CAPACITY: usize = 10_000;

/// The SHA-256 of a key and of a token.
pub(in crate::auth) type CredentialHashes = ([u8; 32], [u8; 32]);

/// Cheap to clone: all clones share the same entries.
#[derive(Debug, Clone)]
pub(in crate::auth) struct Cache(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    entries: Bounded<CredentialHashes, Entry>,
    generation: AtomicU64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    row: CredentialRow,
    start: LookUpStart,
}

/// When a look-up started, and in which generation of the cache. Its result is no older than that.
#[derive(Debug, Clone, Copy)]
pub(in crate::auth) struct LookUpStart {
    at: DateTime<Utc>,
    generation: u64,
}

impl LookUpStart {
    /// Whether the result of this look-up is fresh enough to be used in place of one that starts `now`.
    pub fn is_fresh(self, now: Self) -> bool {
        // A clock that was set back must not make an entry live longer.
        self.generation == now.generation && self.at <= now.at && now.at < self.at + LIFE
    }
}

impl Cache {
    /// An empty cache.
    pub fn new() -> Self {
        Self(Arc::new(Inner { entries: Bounded::new(CAPACITY), generation: AtomicU64::new(0) }))
    }

    /// The fresh entry of a pair, or else the start of the look-up that is needed.
    pub fn get(&self, hashes: &CredentialHashes, now: DateTime<Utc>) -> Result<CredentialRow, LookUpStart> {
        let now = LookUpStart { at: now, generation: self.generation() };
        match self.0.entries.get(hashes) {
            Some(Entry { row, start }) if start.is_fresh(now) => Ok(row),
            _ => Err(now),
        }
    }

    /// The last entry of a pair, even if it is stale.
    pub fn get_stale(&self, hashes: &CredentialHashes) -> Option<CredentialRow> {
        self.0.entries.peek(hashes).map(|entry| entry.row)
    }

    /// Removes a pair that is no longer valid.
    pub fn remove(&self, hashes: &CredentialHashes) {
        self.0.entries.remove(hashes);
    }

    /// Caches the result of a look-up.
    pub fn insert(&self, start: LookUpStart, hashes: CredentialHashes, row: CredentialRow) {
        self.0.entries.insert(hashes, Entry { row, start });
    }

    /// The number of generations that have ended.
    pub fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::SeqCst)
    }

    /// Starts a new generation: entries, and look-ups in flight, are stale from now on. Stale entries are evicted later.
    /// Revocations are rare, so it is not worth knowing which entries one concerns.
    pub fn invalidate(&self) {
        self.0.generation.fetch_add(1, Ordering::SeqCst);
    }
}
