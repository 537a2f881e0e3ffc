//! The loop that does a kind of work, until the server stops.
//!
//! It holds keys and pieces under way, both bounded; all other work waits in the database. New work of this server comes
//! by [`Woken`]; work of other servers, and what was put off, is looked for at an interval.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::queue::{Queue, Woken};
use super::resting::Resting;
use super::work::{Run, Taken, Work};

/// How much is done at a time.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most pieces under way. Each holds a little memory, and no session of the database while it waits.
    pub pieces: usize,
    /// The most pieces that are being taken. Each needs a session of the database.
    pub takes: usize,
    /// The time between two looks into the database.
    pub interval: Duration,
    /// How long a key rests when nothing was found for it: so what comes close together is taken together. A kind of work
    /// that says [`Taken::Later`] needs one.
    pub rest: Duration,
    /// How many keys a look goes through.
    pub page: u16,
}

/// Does the work until `stop`. Then it takes no more, and returns when every piece under way has ended.
pub async fn run<W: Work>(work: Arc<W>, limits: Limits, woken: Woken<W::Key>, stop: impl Future<Output = ()>) {
    let mut queue = Queue::default();
    let mut being_taken = HashSet::new();
    let mut resting = Resting::new(limits.rest);
    let mut takers: JoinSet<(W::Key, Taken)> = JoinSet::new();
    let mut pieces: JoinSet<W::Key> = JoinSet::new();
    let mut search = Search { work: Arc::clone(&work), limit: limits.page, after: None, is_failing: false };
    let mut interval = tokio::time::interval(limits.interval);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = std::pin::pin!(stop);
    loop {
        while takers.len() < limits.takes
            && takers.len() + pieces.len() < limits.pieces
            && let Some(key) = queue.pop(|key| !being_taken.contains(key) && !resting.contains(key))
        {
            being_taken.insert(key);
            let work = Arc::clone(&work);
            takers.spawn(async move { (key, work.take(key).await) });
        }
        tokio::select! {
            () = &mut stop => break,
            key = woken.next() => queue.push(key),
            Some(ended) = takers.join_next() => match ended {
                Ok((key, taken)) => {
                    being_taken.remove(&key);
                    match taken {
                        Taken::Piece(piece) => {
                            pieces.spawn(done(key, piece));
                            queue.push(key);
                        }
                        Taken::Again => queue.push(key),
                        Taken::Later => {
                            resting.push(key);
                            queue.push(key);
                        }
                        Taken::Nothing => resting.push(key),
                    }
                }
                // A panic, which was logged. Which key it was is not known: all of them may be taken again.
                Err(_) => being_taken.clear(),
            },
            () = resting.end_one() => {}
            // A place of the key is free again.
            Some(ended) = pieces.join_next() => ended.map(|key| queue.push(key)).unwrap_or_default(),
            _ = interval.tick(), if queue.len() < usize::from(limits.page) => {
                search.next().await.into_iter().for_each(|key| queue.push(key));
            }
        }
    }
    // What was taken is in the database already: it is done, too.
    while let Some(ended) = takers.join_next().await {
        if let Ok((key, Taken::Piece(piece))) = ended {
            pieces.spawn(done(key, piece));
        }
    }
    while pieces.join_next().await.is_some() {}
}

async fn done<K>(key: K, piece: Run) -> K {
    piece.await;
    key
}

/// Goes through the keys with work, a page at a time and from the beginning again.
struct Search<W: Work> {
    work: Arc<W>,
    limit: u16,
    after: Option<W::Key>,
    is_failing: bool,
}

impl<W: Work> Search<W> {
    async fn next(&mut self) -> Vec<W::Key> {
        let found = self.work.due(self.after, self.limit).await;
        let was_failing = std::mem::replace(&mut self.is_failing, found.is_err());
        match found {
            Ok(page) => {
                self.after = page.last;
                page.due
            }
            Err(error) => {
                if !was_failing {
                    tracing::warn!(error = format!("{error:#}"), "work was not looked for; it will be");
                }
                Vec::new()
            }
        }
    }
}
