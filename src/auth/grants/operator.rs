//! The grant of the command line.

use uuid::Uuid;

use super::{JobScope, ProjectScope, Worker};
use crate::db::{self, Database, Statement, Transaction};
use crate::domain::{ApiKeyId, ConnectionId, ProjectId};

/// A person at the command line who has the database's address: may manage projects, keys and connections. No HTTP
/// route ever gets one.
#[derive(Debug, Clone)]
pub struct Operator {
    database: Database,
}

impl Operator {
    /// The person at the command line. Only `cli/` calls this.
    #[must_use]
    pub fn from_cli(database: Database) -> Self {
        Self { database }
    }

    /// The right to run one statement. A failure here has had no effect.
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn statement(&self) -> Result<Statement<'static>, db::Error> {
        self.database.statement().await
    }

    /// Begins a transaction. A failure here has had no effect.
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn transaction(&self) -> Result<OperatorTransaction, db::Error> {
        self.database.transaction().await.map(OperatorTransaction)
    }

    /// What the server's tasks may do, for a command that does a part of it by hand.
    #[must_use]
    pub fn worker(&self) -> Worker {
        Worker::from_app(self.database.clone())
    }

    /// The rows of one project.
    #[must_use]
    pub fn project(&self, project_id: ProjectId) -> ProjectScope {
        ProjectScope::new(self.database.clone(), project_id, ApiKeyId(Uuid::nil()))
    }

    /// The rows of one connection with software, as the server's tasks have them: a person can do by hand what they do.
    #[must_use]
    pub fn job(&self, project_id: ProjectId, connection_id: ConnectionId) -> JobScope {
        JobScope::new(self.database.clone(), project_id, connection_id)
    }
}

/// A transaction of an operator. What is created in it is stored together by [`commit`](Self::commit), or, when that is
/// not reached, not at all.
#[derive(Debug)]
pub struct OperatorTransaction(Transaction);

impl OperatorTransaction {
    /// Runs the statements of management's stores.
    pub(crate) fn executor(&mut self) -> &mut Transaction {
        &mut self.0
    }

    /// Stores everything.
    ///
    /// # Errors
    /// See [`Transaction::commit`].
    pub async fn commit(self) -> Result<(), db::Error> {
        self.0.commit().await
    }
}
