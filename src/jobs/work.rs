//! What a kind of work has to offer.

use std::fmt::Debug;
use std::hash::Hash;
use std::pin::Pin;

use async_trait::async_trait;

/// A piece of work that was taken: nobody else does it.
pub type Run = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Keys with open work, in the order of the keys.
#[derive(Debug)]
pub struct Page<K> {
    /// Those that have work now.
    pub due: Vec<K>,
    /// The last key that was looked at, from which the next page goes on; `None` when there are no more.
    pub last: Option<K>,
}

/// What became of taking a piece of work.
pub enum Taken {
    /// A piece, and there may be more.
    Piece(Run),
    /// None, but the next attempt may find one.
    Again,
    /// None now, and the next attempt, after a rest, may find one.
    Later,
    /// There is none now.
    Nothing,
}

/// A kind of work. It is stored in the database, where each server finds it; a piece is taken there, so that two servers
/// never do the same.
#[async_trait]
pub trait Work: Send + Sync + Debug + 'static {
    /// For whom work is done: they take turns.
    type Key: Copy + Eq + Hash + Ord + Debug + Send + Sync;

    /// The keys with open work after `after`, at most `limit` of them looked at.
    async fn due(&self, after: Option<Self::Key>, limit: u16) -> anyhow::Result<Page<Self::Key>>;

    /// Takes a piece of work of `key`.
    async fn take(&self, key: Self::Key) -> Taken;
}
