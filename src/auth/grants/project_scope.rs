//! The grant of what belongs to a project and not to one of its connections: events and webhook endpoints.

use super::JobScope;
use super::scope::Scope;
use crate::db::{self, Database, Statement, Transaction};
use crate::domain::{ApiKeyId, ConnectionId, ProjectId};

/// The rows of one project. A caller with an API key gets it, the server's tasks, and the command line.
#[derive(Debug, Clone)]
pub struct ProjectScope {
    database: Database,
    project_id: ProjectId,
    /// Whose share of the sessions of lists is used.
    api_key_id: ApiKeyId,
}

impl ProjectScope {
    /// Only authentication and the other grants call this.
    pub(in crate::auth) fn new(database: Database, project_id: ProjectId, api_key_id: ApiKeyId) -> Self {
        Self { database, project_id, api_key_id }
    }

    /// The project: every query has it in its `where`.
    #[must_use]
    pub fn project_id(&self) -> ProjectId {
        self.project_id
    }

    /// The key of the caller: keys share what is limited.
    #[must_use]
    pub fn api_key_id(&self) -> ApiKeyId {
        self.api_key_id
    }

    /// Whether Citus has distributed the database.
    #[must_use]
    pub fn is_distributed(&self) -> bool {
        self.database.is_distributed()
    }

    /// The right to run one statement. A failure here has had no effect.
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn statement(&self) -> Result<Statement<'static>, db::Error> {
        self.database.statement().await
    }

    /// The right to read one list; see [`Database::list_statement`].
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn list_statement(&self) -> Result<Statement<'static>, db::Error> {
        self.database.list_statement(self.api_key_id).await
    }

    /// Begins a transaction. A failure here has had no effect. No call to other servers is made while it is open.
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn transaction(&self) -> Result<ProjectTransaction, db::Error> {
        let inner = self.database.transaction().await?;
        Ok(ProjectTransaction { inner, project_id: self.project_id })
    }

    /// The rows of a connection that an event of this project names, to read them.
    #[must_use]
    pub fn connection(&self, connection_id: ConnectionId) -> Scope {
        Scope::of_job(self.database.clone(), self.project_id, connection_id)
    }

    /// The same rows for a task.
    #[must_use]
    pub fn job(&self, connection_id: ConnectionId) -> JobScope {
        JobScope::new(self.database.clone(), self.project_id, connection_id)
    }
}

/// A transaction on the rows of one project.
#[derive(Debug)]
pub struct ProjectTransaction {
    inner: Transaction,
    project_id: ProjectId,
}

impl ProjectTransaction {
    /// The project: every query has it in its `where`.
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
}
