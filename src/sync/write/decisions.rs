//! What a person at the command line decides about a write.
//!
//! A decision never sends anything. `retry` leaves that to the server, which looks the payment up before it sends it.

use tokio::time::Instant;

use super::attempt::{self, Deadlines};
use super::event::Event;
use super::machine::{self, Impossible};
use super::store::{self, Decision, ListedWrite, WriteRow};
use crate::auth::{JobScope, Operator};
use crate::connectors::{self, Connector, Found};
use crate::db;
use crate::domain::{ConnectionId, PaymentId, RemoteId, RemoteStatus};
use crate::management::connections::{Access, NoAccess, software};

/// Who decides, and why.
#[derive(Debug, Clone)]
pub struct By {
    /// The person's name.
    pub actor: String,
    /// The reason.
    pub reason: String,
}

/// Why a decision was not stored.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    /// There is no such connection.
    #[error("there is no connection {0}")]
    NoSuchConnection(ConnectionId),
    /// The connection has no such payment, or no software behind it.
    #[error("the connection has no payment {0} for accounting software")]
    NoSuchPayment(PaymentId),
    /// An attempt is under way.
    #[error("an attempt is under way; try again when it has ended")]
    UnderWay,
    /// It does not fit the state of the write.
    #[error("{0}")]
    Impossible(#[from] Impossible),
    /// The software cannot be called.
    #[error("{0}")]
    NoAccess(#[from] NoAccess),
    /// The software did not answer as it should.
    #[error("{0}")]
    Software(#[from] connectors::Error),
    /// The software has no such record.
    #[error("the software has no payment {0}")]
    NoSuchRecord(RemoteId),
    /// The database failed.
    #[error("{0}")]
    Database(#[from] db::Error),
}

/// The writes of one connection, for a person who decides about them.
#[derive(Debug)]
pub struct Decisions {
    job: JobScope,
}

impl Decisions {
    /// Those of a connection.
    ///
    /// # Errors
    /// When there is no such connection, or when the database fails.
    pub async fn of(operator: &Operator, connection: ConnectionId) -> Result<Self, DecisionError> {
        let project = store::project_of(operator, connection).await?;
        let project = project.ok_or(DecisionError::NoSuchConnection(connection))?;
        Ok(Self { job: operator.job(project, connection) })
    }

    /// Lists payments, oldest first, at most `limit`: those of one status, or all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, status: Option<RemoteStatus>, limit: u32) -> Result<Vec<ListedWrite>, DecisionError> {
        Ok(store::list(&self.job, status, limit).await?)
    }

    /// Has a write sent again by the server, after a look-up that finds nothing.
    ///
    /// # Errors
    /// When it is final or under way.
    pub async fn retry(&self, payment: PaymentId, by: &By) -> Result<(), DecisionError> {
        let row = self.read(payment).await?;
        self.store(payment, &row, "retry", by, Event::Retried).await
    }

    /// Takes a write back that was never sent.
    ///
    /// # Errors
    /// When it was sent.
    pub async fn cancel(&self, payment: PaymentId, by: &By) -> Result<(), DecisionError> {
        let row = self.read(payment).await?;
        self.store(payment, &row, "cancel", by, Event::Cancelled).await
    }

    /// Ends a write with a record of the software: this is the payment. Amount, currency and invoices must agree.
    ///
    /// # Errors
    /// When there is no such record, or when it is another payment.
    pub async fn settle_applied(
        &self,
        payment: PaymentId,
        record: &RemoteId,
        access: &Access,
        by: &By,
    ) -> Result<(), DecisionError> {
        let row = self.read(payment).await?;
        let (connector, _) = self.connect(payment, access).await?;
        let found = connector.get(record).await?.ok_or_else(|| DecisionError::NoSuchRecord(record.clone()))?;
        self.store(payment, &row, "settle", by, Event::SettledApplied(Box::new(found))).await
    }

    /// Gives a write up, when a look-up finds nothing.
    ///
    /// # Errors
    /// When the software has it.
    pub async fn settle_rejected(&self, payment: PaymentId, access: &Access, by: &By) -> Result<(), DecisionError> {
        let row = self.read(payment).await?;
        let found = match &row.prepared {
            // It was never made into anything that can be in the software.
            None => Found::Absent,
            Some((_, prepared)) => {
                let (connector, deadlines) = self.connect(payment, access).await?;
                attempt::find(&*connector, prepared, deadlines).await?
            }
        };
        self.store(payment, &row, "settle", by, Event::SettledRejected(found)).await
    }

    async fn read(&self, payment: PaymentId) -> Result<WriteRow, DecisionError> {
        let row = store::read(&self.job, payment).await?.ok_or(DecisionError::NoSuchPayment(payment))?;
        if row.is_leased { Err(DecisionError::UnderWay) } else { Ok(row) }
    }

    async fn connect(
        &self,
        payment: PaymentId,
        access: &Access,
    ) -> Result<(Box<dyn Connector>, Deadlines), DecisionError> {
        let software = software(&self.job).await?.ok_or(DecisionError::NoSuchPayment(payment))?;
        let timeout = access.provider(&software)?.capabilities().timeout;
        Ok((access.connect(self.job.connection_id(), &software)?, Deadlines::from(Instant::now(), timeout)))
    }

    async fn store(
        &self,
        payment: PaymentId,
        row: &WriteRow,
        action: &str,
        by: &By,
        event: Event,
    ) -> Result<(), DecisionError> {
        let next = machine::next(&row.write, event, &mut rand::rng())?;
        let by = Some((by.actor.as_str(), by.reason.as_str()));
        let decision = Decision { payment_id: payment, write: &row.write, action, by, next: &next };
        let mut transaction = self.job.transaction().await?;
        // When it changed since it was read, an attempt has begun.
        if !store::decide(&mut transaction, &decision).await? {
            return Err(DecisionError::UnderWay);
        }
        Ok(transaction.commit().await?)
    }
}
