//! What waits in the queue of [`super::group_commit`], and the answers to it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Mutex, OwnedSemaphorePermit, oneshot};

use crate::accounting::payments::payment::{Payment, PaymentInsert, Stamp};
use crate::auth::Scoped;
use crate::db;
use crate::domain::{ConnectionId, PaymentId};

/// What the writers take from.
pub(super) type Queue = Arc<Mutex<UnboundedReceiver<PendingWrite>>>;

/// Where a call waits for what became of its payment.
pub(super) type Answer = oneshot::Sender<Result<WriteOutcome, Error>>;

/// What became of a payment.
#[derive(Debug)]
pub enum WriteOutcome {
    /// It is stored.
    Inserted(Payment),
    /// This request stored it earlier. Nothing new is stored.
    Replayed(Payment),
    /// Another request has used the idempotency key. Nothing is stored.
    KeyReused,
}

/// Why a payment is not known to be stored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The queue is full. Nothing was stored.
    #[error("more payments wait to be stored than memory is set aside for")]
    Full,
    /// The database failed. Nothing was stored.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// The database failed after the payment was sent.
    #[error("whether the payment was stored is not known: {cause}")]
    OutcomeUnknown {
        /// The id that it has if it was; `None` when the writer itself failed.
        id: Option<PaymentId>,
        /// After this time it is known whether it was: no write of it commits later.
        settled_after: Duration,
        /// What failed.
        #[source]
        cause: db::Error,
    },
}

/// A payment in the queue, and the call that waits for it.
#[derive(Debug)]
pub(super) struct PendingWrite {
    pub row: Scoped<PaymentInsert>,
    answer: Answer,
    permit: OwnedSemaphorePermit,
}

impl PendingWrite {
    pub fn new(row: Scoped<PaymentInsert>, answer: Answer, permit: OwnedSemaphorePermit) -> Self {
        Self { row, answer, permit }
    }

    /// Its entry in the unique index of idempotency keys.
    pub fn index_key(&self) -> (ConnectionId, Option<&str>) {
        let key = self.row.value.claim.as_ref().map(|claim| claim.key.as_str());
        (self.row.scope.connection_id(), key)
    }

    /// Whether the call that waited for an answer has ended.
    pub fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    /// The memory that it takes, in bytes.
    pub fn memory(&self) -> usize {
        self.permit.num_permits()
    }

    /// Answers the call after the commit of its payment, which was written with `stamp`.
    pub fn stored(self, stamp: Stamp) {
        let Scoped { scope, value: PaymentInsert { data, warnings, .. } } = self.row;
        let payment = Payment::written(data, warnings, stamp, scope.has_software());
        self.answer.send(Ok(WriteOutcome::Inserted(payment))).ok();
    }

    /// Answers the call when its idempotency key was taken: by itself with this payment, or by another request.
    pub fn key_taken(self, first: Option<Payment>) {
        self.answer.send(Ok(first.map_or(WriteOutcome::KeyReused, WriteOutcome::Replayed))).ok();
    }

    /// Answers the call when nothing of the batch was stored.
    pub fn fail(self, error: &db::Error) {
        self.answer.send(Err(Error::Database(error.clone()))).ok();
    }

    /// Answers the call when it is not known whether the batch was stored, which was written with `stamp`.
    pub fn outcome_unknown(self, stamp: Stamp, settled_after: Duration, cause: &db::Error) {
        let cause = cause.clone();
        self.answer.send(Err(Error::OutcomeUnknown { id: Some(stamp.id), settled_after, cause })).ok();
    }
}
