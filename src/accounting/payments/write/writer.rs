//! A writer takes the payments that have gathered in the queue, commits them as one batch, and answers each call. The
//! reasons are at the top of [`super::group_commit`].

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use uuid::Uuid;

use super::queue::{PendingWrite, Queue};
use super::replays;
use crate::accounting::payments::payment::Stamp;
use crate::accounting::payments::store;
use crate::db::{self, WriterPool, WriterSession};
use crate::domain::Clock;
use crate::events::Changes;

/// The most payments of one transaction. More would make each wait longer and save next to nothing.
const BATCH_ROWS: usize = 128;
/// A batch that has reached this, in bytes of memory, takes no further payment.
const BATCH_BYTES: usize = 1_024 * 1_024;
/// How long after its statement timeout a silent Postgres is given up: it hangs, or the network does.
const SILENCE: Duration = Duration::from_secs(1);
/// How long an idle writer keeps its session. Returning it costs Postgres a round trip.
const KEEP_SESSION: Duration = Duration::from_secs(1);

/// Runs a writer. A panic is logged where it happens; it fails the batch of that moment, and the writer goes on.
pub(super) async fn keep_writing(queue: Queue, pool: WriterPool, clock: Clock, changes: Changes) {
    let writer = || Writer {
        queue: Arc::clone(&queue),
        pool: pool.clone(),
        session: None,
        clock: clock.clone(),
        changes: changes.clone(),
    };
    while tokio::spawn(writer().run()).await.is_err() {}
}

struct Writer {
    queue: Queue,
    pool: WriterPool,
    session: Option<WriterSession>,
    /// Where `created_at` comes from.
    clock: Clock,
    /// Who reads events hears of each batch.
    changes: Changes,
}

impl Writer {
    async fn run(mut self) {
        while let Some(batch) = self.next_batch().await {
            self.write(batch).await;
        }
    }

    /// `None` when there is no queue any more.
    async fn next_batch(&mut self) -> Option<Vec<PendingWrite>> {
        if let Ok(batch) = timeout(KEEP_SESSION, gather(&self.queue)).await {
            return batch;
        }
        self.session = None;
        gather(&self.queue).await
    }

    /// Writes a batch and answers each of its calls.
    async fn write(&mut self, batch: Vec<PendingWrite>) {
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            let session = match &mut self.session {
                Some(kept) => kept,
                none => match self.pool.acquire().await {
                    Ok(acquired) => none.insert(acquired),
                    Err(error) => {
                        // The payments that gathered meanwhile would wait as long for the same answer.
                        let gathered = std::iter::from_fn(|| self.queue.try_lock().ok()?.try_recv().ok());
                        for call in part.into_iter().chain(gathered) {
                            call.fail(&error);
                        }
                        continue;
                    }
                },
            };
            let statement_timeout = self.pool.statement_timeout();
            let mut attempt = Attempt { batch: &part, stamps: Vec::new() };
            let committed = attempt.commit(session, statement_timeout, &self.clock);
            let silence = |_| Err(db::Error::of_write(sqlx::Error::Io(ErrorKind::TimedOut.into())));
            let committed = timeout(statement_timeout + SILENCE, committed).await.unwrap_or_else(silence);
            let stamps = attempt.stamps;
            match committed {
                Ok(stored) => {
                    self.announce(&part);
                    let all = stored.len() == part.len();
                    let mut taken = Vec::new();
                    for (call, stamp) in part.into_iter().zip(stamps) {
                        if all || stored.contains(&stamp.id.0) {
                            call.stored(stamp);
                        } else {
                            taken.push(call);
                        }
                    }
                    replays::answer(taken);
                }
                // Only where it is certain that nothing was stored.
                Err(db::Error::Constraint(_) | db::Error::Internal(_)) if part.len() > 1 => {
                    let rest = part.split_off(part.len() / 2);
                    parts.extend([rest, part]);
                }
                Err(error) => {
                    // Do not return this session to the pool: it may hang, or still lead to a demoted primary.
                    if let Some(session) = self.session.take() {
                        session.discard();
                    }
                    let settled_after = settled_after(statement_timeout);
                    let mut stamps = stamps.into_iter();
                    for call in part {
                        match (&error, stamps.next()) {
                            (db::Error::Lost(_), Some(stamp)) => call.outcome_unknown(stamp, settled_after, &error),
                            _ => call.fail(&error),
                        }
                    }
                }
            }
        }
    }

    /// Says which projects have new payments.
    fn announce(&self, batch: &[PendingWrite]) {
        let mut last = None;
        // The calls of a connection are next to each other.
        for project in batch.iter().map(|call| call.row.scope.project_id()) {
            if last.replace(project) != Some(project) {
                self.changes.notify(project);
            }
        }
    }
}

/// One attempt to commit a batch.
struct Attempt<'a> {
    batch: &'a [PendingWrite],
    /// What the payments were written with; empty when nothing was sent.
    stamps: Vec<Stamp>,
}

impl Attempt<'_> {
    /// Commits the batch: the ids of the payments that are stored now.
    async fn commit(
        &mut self,
        session: &mut WriterSession,
        statement_timeout: Duration,
        clock: &Clock,
    ) -> Result<Vec<Uuid>, db::Error> {
        let rows: Vec<_> = self.batch.iter().map(|call| &call.row).collect();
        let (database_clock, is_on_node) = (session.clock(), session.is_on_node());
        let statement = session.statement().await?;
        // The two times belong together: a payment is visible soon after its `created_at`, or never.
        self.stamps = Stamp::series(clock.now(), rows.len());
        let not_after = database_clock.after(statement_timeout);
        let inserted = if is_on_node {
            store::insert_on_node(&rows, &self.stamps, not_after, statement).await?
        } else {
            store::insert(&rows, &self.stamps, not_after, statement).await?
        };
        database_clock.record(inserted.clock);
        if inserted.is_late {
            return Err(db::Error::unavailable(sqlx::Error::Protocol("the statement arrived too late".to_owned())));
        }
        Ok(inserted.ids)
    }
}

/// Waits for a payment and takes what has gathered behind it, in the order of the keys.
async fn gather(queue: &Queue) -> Option<Vec<PendingWrite>> {
    let mut queue = queue.lock().await;
    let mut next = queue.recv().await?;
    let (mut batch, mut memory) = (Vec::new(), 0);
    loop {
        memory += next.memory();
        if !next.is_abandoned() {
            batch.push(next);
        }
        if batch.len() == BATCH_ROWS || memory >= BATCH_BYTES {
            break;
        }
        let Ok(waiting) = queue.try_recv() else { break };
        next = waiting;
    }
    drop(queue);
    batch.sort_unstable_by(|a, b| a.index_key().cmp(&b.index_key()));
    Some(batch)
}

/// How long after a failure a batch can still be committed. The statement reaches the database until `not_after`, a
/// timeout after it was sent. It may run for a timeout. Where the commit is a statement of its own, its transaction is
/// idle for a timeout at most. No timeout bounds the commit itself.
pub(super) fn settled_after(statement_timeout: Duration) -> Duration {
    3 * statement_timeout
}
