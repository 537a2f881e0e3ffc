//! A writer: takes what has gathered in the queue, commits it as one batch, answers each call. Why, and what holds, is
//! at the top of [`super::group_commit`].

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;
use uuid::Uuid;

use super::group_commit::Waiting;
use super::store;
use crate::db::{self, KeptConnection};

/// The most payments of one transaction. More would make each wait longer and save next to nothing.
const BATCH_ROWS: usize = 128;
/// A batch that has reached this, in bytes of memory, takes no further payment.
const BATCH_BYTES: usize = 1_024 * 1_024;
/// How long after its statement timeout a Postgres that says nothing is given up: it hangs, or the network does.
const SILENCE: Duration = Duration::from_secs(1);
/// How long an idle writer keeps its database connection. Giving it back costs Postgres a round trip.
const KEEP_CONNECTION: Duration = Duration::from_secs(1);

/// What the writers take from.
pub(super) type Queue = Arc<Mutex<UnboundedReceiver<Waiting>>>;

/// Runs a writer. A panic, which is logged where it happens, costs the batch that it struck and not the writer.
pub(super) async fn keep_writing(queue: Queue, statement_timeout: Duration) {
    let patience = statement_timeout + SILENCE;
    while tokio::spawn(Writer { queue: Arc::clone(&queue), connection: None, patience }.run()).await.is_err() {}
}

struct Writer {
    queue: Queue,
    connection: Option<KeptConnection>,
    /// How long an answer to a statement may take.
    patience: Duration,
}

impl Writer {
    async fn run(mut self) {
        while let Some(batch) = self.next_batch().await {
            self.write(batch).await;
        }
    }

    /// `None` when there is no queue any more.
    async fn next_batch(&mut self) -> Option<Vec<Waiting>> {
        if let Ok(batch) = timeout(KEEP_CONNECTION, gather(&self.queue)).await {
            return batch;
        }
        self.connection = None;
        gather(&self.queue).await
    }

    /// Writes a batch and tells each of its calls.
    async fn write(&mut self, batch: Vec<Waiting>) {
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            let Some(first) = part.first() else { continue };
            let connection = match &mut self.connection {
                Some(kept) => kept,
                none => match first.row.scope.keep_for_creates().await {
                    Ok(acquired) => none.insert(acquired),
                    Err(error) => {
                        // What gathered meanwhile would wait as long for the same answer.
                        let gathered = std::iter::from_fn(|| self.queue.try_lock().ok()?.try_recv().ok());
                        for call in part.into_iter().chain(gathered) {
                            call.fail(&error);
                        }
                        continue;
                    }
                },
            };
            #[cfg(feature = "broken")]
            if super::broken::is_on() {
                if !super::broken::write(part, connection).await {
                    self.connection = None;
                }
                continue;
            }
            let written = timeout(self.patience, commit(&part, connection)).await;
            match written.unwrap_or_else(|_silence| Err(sqlx::Error::Io(ErrorKind::TimedOut.into()).into())) {
                Ok(stored) => {
                    let all = stored.len() == part.len();
                    for call in part {
                        let stored = all || stored.contains(&call.row.value.payment.id.0);
                        call.answer(stored);
                    }
                }
                Err(db::Error::Constraint(_) | db::Error::Internal(_)) if part.len() > 1 => {
                    let rest = part.split_off(part.len() / 2);
                    parts.extend([rest, part]);
                }
                Err(error) => {
                    // Not back into the pool: it may hang, or lead to a standby, and the next one to the new primary.
                    if let Some(connection) = self.connection.take() {
                        connection.discard();
                    }
                    for call in part {
                        call.fail(&error);
                    }
                }
            }
        }
    }
}

/// Commits a batch: the ids of the payments that are stored now.
async fn commit(batch: &[Waiting], connection: &mut KeptConnection) -> Result<Vec<Uuid>, db::Error> {
    let rows: Vec<_> = batch.iter().map(|call| &call.row).collect();
    let mut work = connection.begin().await?;
    let stored = store::insert(&rows, &mut work).await?;
    work.commit().await?;
    Ok(stored)
}

/// Waits for a payment and takes what has gathered behind it, in the order of the keys.
async fn gather(queue: &Queue) -> Option<Vec<Waiting>> {
    let mut queue = queue.lock().await;
    let mut next = queue.recv().await?;
    let (mut batch, mut memory) = (Vec::new(), 0);
    loop {
        memory += next.memory();
        if !next.is_deserted() {
            batch.push(next);
        }
        if batch.len() == BATCH_ROWS || memory >= BATCH_BYTES {
            break;
        }
        let Ok(waiting) = queue.try_recv() else { break };
        next = waiting;
    }
    drop(queue);
    batch.sort_unstable_by(|a, b| a.place().cmp(&b.place()));
    Some(batch)
}
