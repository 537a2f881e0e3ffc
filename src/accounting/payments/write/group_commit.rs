//! Group commit: payments that arrive while a commit is under way share the next one.
//!
//! A create call costs mostly its commit: a transaction for each payment makes Postgres flush its log once a payment.
//! Here create calls put their payments into one queue. A few writers take all that has gathered there, write it with one
//! statement in one transaction, and answer each call. A payment that arrives alone is written at once: no call waits
//! for others, they gather while the writers are busy. A 201 still means that Postgres has committed.
//!
//! * **Twins.** Two requests with one idempotency key meet at the unique index, in one batch or in two, on one server or
//!   on two. The second is not stored and is answered with the first (`replays.rs`). A batch is written in the order of its keys, so that two
//!   batches wait for each other in one direction at most and never deadlock.
//! * **Neighbours.** When the database refuses a row, nothing of the batch is stored. Its halves are tried again, until
//!   the refused row is alone.
//! * **Bounds.** The queue is bounded by the memory of its payments, a batch by rows and by memory. When the queue is
//!   full, a call is refused at once and nothing of it is stored.
//! * **Departures.** A call whose client left before its batch was sent is not written; one that left later is stored
//!   once. The batch is not part of any call, so no departure cancels it.
//! * **Nodes.** On a distributed database each node has a queue and writers of its own (`queues.rs`), so that a
//!   batch commits on one node.
//! * **The end.** [`GroupCommit::close`] accepts nothing more and returns when every accepted payment is answered.

use std::mem::size_of;
use std::sync::Arc;
use std::time::Duration;

use metrics::{Unit, describe_gauge, gauge};
use tokio::sync::{Semaphore, oneshot};

use super::queue::{Error, PendingWrite, WriteOutcome};
use super::queues::Queues;
use super::writer::settled_after;
use crate::accounting::payments::payment::{LineItem, PaymentData, PaymentInsert};
use crate::auth::Scoped;
use crate::db::{self, WriterPool};
use crate::domain::Clock;
use crate::events::Changes;

/// The most memory of the payments that wait or are being written, in bytes.
const QUEUE_BYTES: usize = 32 * 1_024 * 1_024;
/// The gauge of that memory.
const QUEUE_GAUGE: &str = "unibooks_payment_queue_bytes";

/// Writes new payments to the database. Cheap to clone: all clones share one queue.
#[derive(Debug, Clone)]
pub struct GroupCommit {
    queues: Queues,
    /// A permit for each byte of [`QUEUE_BYTES`].
    room: Arc<Semaphore>,
    settled_after: Duration,
}

impl GroupCommit {
    /// Starts a writer for each session of `pool`, which the writer holds while it has work. Each batch that is committed
    /// notifies `changes`.
    #[must_use]
    pub fn start(pool: &WriterPool, clock: &Clock, changes: &Changes) -> Self {
        let room = Arc::new(Semaphore::new(QUEUE_BYTES));
        describe_gauge!(QUEUE_GAUGE, Unit::Bytes, "Memory of the payments in the write queue; full at 32 MiB");
        Self {
            queues: Queues::start(pool, clock, changes),
            room,
            settled_after: settled_after(pool.statement_timeout()),
        }
    }

    fn writer_panicked(&self) -> Error {
        let cause = db::Error::of_write(sqlx::Error::WorkerCrashed);
        Error::OutcomeUnknown { id: None, settled_after: self.settled_after, cause }
    }

    /// Stores a payment with its line items and its claim on an idempotency key: all of it, or nothing. `body_bytes`
    /// is the length of the text that it was read from.
    ///
    /// # Errors
    /// [`Error::OutcomeUnknown`] when it is not known whether the payment is stored; after every other error it is not.
    pub async fn write(&self, row: Scoped<PaymentInsert>, body_bytes: usize) -> Result<WriteOutcome, Error> {
        let items = row.value.data.line_items.len();
        let fixed = size_of::<PendingWrite>() + size_of::<PaymentData>() + items * size_of::<LineItem>();
        let memory = body_bytes + fixed;
        // A payment that is larger than the queue is accepted when the queue is empty.
        let permits = u32::try_from(memory.min(QUEUE_BYTES)).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.room).try_acquire_many_owned(permits).map_err(|_| Error::Full)?;
        let (answer, answered) = oneshot::channel();
        self.queues.send(PendingWrite::new(row, answer, permit))?;
        answered.await.unwrap_or_else(|_| Err(self.writer_panicked()))
    }

    /// The memory of the payments that wait or are being written, in bytes.
    #[must_use]
    pub fn occupied(&self) -> usize {
        QUEUE_BYTES - self.room.available_permits()
    }

    /// Sets the gauge of that memory, for a scrape of the metrics.
    pub fn record_occupied(&self) {
        gauge!(QUEUE_GAUGE).set(u32::try_from(self.occupied()).unwrap_or(u32::MAX));
    }

    /// Accepts nothing more, and waits until every accepted payment is answered.
    pub async fn close(&self) {
        let all = u32::try_from(QUEUE_BYTES).unwrap_or(u32::MAX);
        if let Ok(room) = self.room.acquire_many(all).await {
            room.forget();
        }
    }
}
