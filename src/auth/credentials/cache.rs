//! What keys and tokens lead to, kept for a moment, so that a caller who sends many requests costs the database one
//! look-up a second and not one a request.
//!
//! A revocation makes the server forget all of it at once ([`super::revocations`]). Should its notification be lost,
//! the short life of an entry bounds for how long a revoked key works. Only what opens the gate is kept: whoever
//! guesses keys fills nothing, and a key that is made works from its first use on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use quick_cache::sync::Cache as Bounded;

use super::store::CredentialRow;

/// How long an entry is good for.
const LIFE: TimeDelta = TimeDelta::seconds(1);
/// The most entries, of some 200 bytes each. More callers than this within a second are looked up again.
const CAPACITY: usize = 10_000;

/// The SHA-256 of a key and of a token.
pub(in crate::auth) type Hashes = ([u8; 32], [u8; 32]);

/// Cheap to clone: all clones share the same entries.
#[derive(Debug, Clone)]
pub(in crate::auth) struct Cache(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    entries: Bounded<Hashes, Entry>,
    generation: AtomicU64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    found: CredentialRow,
    look_up: LookUp,
}

/// When a look-up began, and in which generation: what it saw is no older.
#[derive(Debug, Clone, Copy)]
pub(in crate::auth) struct LookUp {
    began: DateTime<Utc>,
    generation: u64,
}

impl LookUp {
    /// Whether what this look-up finds is fresh enough for one that would begin now.
    pub fn serves(self, now: Self) -> bool {
        // A clock that was set back must not make an entry live longer.
        self.generation == now.generation && self.began <= now.began && now.began < self.began + LIFE
    }
}

impl Cache {
    pub fn new() -> Self {
        Self(Arc::new(Inner { entries: Bounded::new(CAPACITY), generation: AtomicU64::new(0) }))
    }

    /// What is known of a pair, or the beginning of a look-up.
    pub fn get(&self, hashes: &Hashes, now: DateTime<Utc>) -> Result<CredentialRow, LookUp> {
        let now = LookUp { began: now, generation: self.0.generation.load(Ordering::SeqCst) };
        match self.0.entries.get(hashes) {
            Some(Entry { found, look_up }) if look_up.serves(now) => Ok(found),
            _ => Err(now),
        }
    }

    /// What was last found for a pair, however long ago.
    pub fn last_known(&self, hashes: &Hashes) -> Option<CredentialRow> {
        self.0.entries.peek(hashes).map(|entry| entry.found)
    }

    /// Drops what is known of a pair that leads nowhere any more.
    pub fn drop_pair(&self, hashes: &Hashes) {
        self.0.entries.remove(hashes);
    }

    /// Keeps what a look-up found.
    pub fn keep(&self, look_up: LookUp, hashes: Hashes, found: CredentialRow) {
        self.0.entries.insert(hashes, Entry { found, look_up });
    }

    /// Begins a new generation: nothing that was looked up until now, or is being looked up, is good any more. It makes
    /// room by and by. Revocations are rare: it is not worth knowing which entries one concerns.
    pub fn forget(&self) {
        self.0.generation.fetch_add(1, Ordering::SeqCst);
    }
}
