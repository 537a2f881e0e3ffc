//! Group commit: payments that arrive while a commit is under way share the next one.
//!
//! What a create call costs is mostly its commit: a transaction of its own makes Postgres write and flush its log once
//! a payment. Here create calls put their payments into one queue, and a few writers take from it whatever has
//! gathered, write it with one statement in one transaction, and tell each call what became of its own payment. A
//! payment that arrives alone is written at once: nobody waits for company, it gathers by itself while the writers are
//! busy. A 201 still means what it meant, that Postgres has committed.
//!
//! * **Twins.** Two requests with one idempotency key, in one batch or in two, on one server or on two, meet at the
//!   unique index: the second is not stored and reads the first. A batch is written in the order of its keys, so that
//!   two batches wait for each other at most in one direction and never deadlock.
//! * **Neighbours.** When the database refuses a row, nothing of the batch is stored; its halves are tried again, until
//!   the row that is refused stands alone.
//! * **Bounds.** The queue is bounded by the memory that its payments take, a batch by rows and by memory. When the
//!   queue is full a call is told so at once and nothing of it is stored.
//! * **Departures.** A call whose client left before its batch was sent is not written, and one that left later is
//!   stored once; the batch is no part of any call, so that no departure breaks it off.
//! * **The end.** [`GroupCommit::close`] lets nothing more in and returns when all that was let in is answered.

use std::mem::size_of;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex, Semaphore, oneshot};

use super::queue::{Error, PendingWrite, WriteOutcome};
use super::writer::{keep_writing, settled_after};
use crate::accounting::payments::payment::{LineItem, PaymentData, PaymentInsert};
use crate::auth::Scoped;
use crate::db::{self, WriterPool};
use crate::domain::Clock;

/// How much may wait or be under way, in bytes of memory.
const QUEUE_BYTES: usize = 32 * 1_024 * 1_024;

/// The way of new payments into the database. Cheap to clone: all clones share one queue.
#[derive(Debug, Clone)]
pub struct GroupCommit {
    queue: UnboundedSender<PendingWrite>,
    /// A permit for each byte of [`QUEUE_BYTES`].
    room: Arc<Semaphore>,
    settled_after: Duration,
}

impl GroupCommit {
    /// Starts a writer for each session of `pool`, which the writer holds while it has work.
    #[must_use]
    pub fn start(pool: &WriterPool, clock: &Clock) -> Self {
        let (queue, waiting) = unbounded_channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..pool.size() {
            tokio::spawn(keep_writing(Arc::clone(&waiting), pool.clone(), clock.clone()));
        }
        let room = Arc::new(Semaphore::new(QUEUE_BYTES));
        Self { queue, room, settled_after: settled_after(pool.statement_timeout()) }
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
        // Even a payment that is larger than the queue gets in, alone.
        let permits = u32::try_from(memory.min(QUEUE_BYTES)).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.room).try_acquire_many_owned(permits).map_err(|_| Error::Full)?;
        let (answer, answered) = oneshot::channel();
        self.queue.send(PendingWrite::new(row, answer, permit)).map_err(|_| Error::Full)?;
        answered.await.unwrap_or_else(|_| Err(self.writer_panicked()))
    }

    /// What waits or is under way, in bytes of memory.
    #[must_use]
    pub fn occupied(&self) -> usize {
        QUEUE_BYTES - self.room.available_permits()
    }

    /// Lets nothing more in, and waits until all that was let in is answered.
    pub async fn close(&self) {
        let all = u32::try_from(QUEUE_BYTES).unwrap_or(u32::MAX);
        if let Ok(room) = self.room.acquire_many(all).await {
            room.forget();
        }
    }
}
