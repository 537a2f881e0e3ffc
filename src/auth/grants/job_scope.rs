//! The grant of a task that works for one connection.

use super::scope::Scope;
use crate::db::{self, Database, Statement, Transaction};
use crate::domain::{ConnectionId, ProjectId};

/// The rows of one connection, for a task. It can do what a caller cannot: write several statements as one.
#[derive(Debug, Clone)]
pub struct JobScope(Scope);

impl JobScope {
    /// Only the other grants call this.
    pub(super) fn new(database: Database, project_id: ProjectId, connection_id: ConnectionId) -> Self {
        Self(Scope::of_job(database, project_id, connection_id))
    }

    /// The tenant: every query has it in its `where`.
    #[must_use]
    pub fn connection_id(&self) -> ConnectionId {
        self.0.connection_id()
    }

    /// The project that the connection belongs to.
    #[must_use]
    pub fn project_id(&self) -> ProjectId {
        self.0.project_id()
    }

    /// The same rows as a caller has them, for the stores of the accounting API.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.0
    }

    /// The right to run one statement. A failure here has had no effect.
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn statement(&self) -> Result<Statement<'static>, db::Error> {
        self.0.statement().await
    }

    /// Begins a transaction. A failure here has had no effect. No call to other servers is made while it is open.
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn transaction(&self) -> Result<JobTransaction, db::Error> {
        let inner = self.0.transaction().await?;
        Ok(JobTransaction { inner, project_id: self.project_id(), connection_id: self.connection_id() })
    }
}

/// A transaction on the rows of one connection.
#[derive(Debug)]
pub struct JobTransaction {
    inner: Transaction,
    project_id: ProjectId,
    connection_id: ConnectionId,
}

impl JobTransaction {
    /// The tenant: every query has it in its `where`.
    #[must_use]
    pub fn connection_id(&self) -> ConnectionId {
        self.connection_id
    }

    /// The project that the connection belongs to.
    #[must_use]
    pub fn project_id(&self) -> ProjectId {
        self.project_id
    }

    /// Runs the statements of stores.
    pub fn executor(&mut self) -> &mut Transaction {
        &mut self.inner
    }

    /// Stores everything.
    ///
    /// # Errors
    /// See [`Transaction::commit`].
    pub async fn commit(self) -> Result<(), db::Error> {
        self.inner.commit().await
    }

    /// Takes everything back.
    ///
    /// # Errors
    /// See [`Transaction::rollback`].
    pub async fn rollback(self) -> Result<(), db::Error> {
        self.inner.rollback().await
    }
}
