//! The grants of the server's own tasks, which work for connections without a caller.

use super::scope::Scope;
use crate::db::{self, Database, Statement, Transaction};
use crate::domain::{ConnectionId, ProjectId};

/// A task of the server: may look for work in all connections, and take it up for one. Only `app` makes it.
#[derive(Debug, Clone)]
pub struct Worker {
    database: Database,
}

impl Worker {
    /// The server's tasks. Only `app` calls this.
    #[must_use]
    pub fn from_app(database: Database) -> Self {
        Self { database }
    }

    /// The right to run one statement. A failure here has had no effect.
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn statement(&self) -> Result<Statement<'static>, db::Error> {
        self.database.statement().await
    }

    /// The rows of one connection, whose work was found.
    #[must_use]
    pub fn job(&self, project_id: ProjectId, connection_id: ConnectionId) -> JobScope {
        JobScope::new(self.database.clone(), project_id, connection_id)
    }

    /// The database, to listen for notifications.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }
}

/// The rows of one connection, for a task. It can do what a caller cannot: write several statements as one.
#[derive(Debug, Clone)]
pub struct JobScope(Scope);

impl JobScope {
    /// Only [`Worker`] and [`super::Operator`] call this.
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
        Ok(JobTransaction { inner, connection_id: self.connection_id() })
    }
}

/// A transaction on the rows of one connection.
#[derive(Debug)]
pub struct JobTransaction {
    inner: Transaction,
    connection_id: ConnectionId,
}

impl JobTransaction {
    /// The tenant: every query has it in its `where`.
    #[must_use]
    pub fn connection_id(&self) -> ConnectionId {
        self.connection_id
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
