//! The grant of an authenticated request: the rows of one connection.

use uuid::Uuid;

use crate::auth::credentials::store::ConnectionRow;
use crate::db::{self, Database, Statement, Transaction};
use crate::domain::{ApiKeyId, ConnectionId, ProjectId};

/// The rows of one connection, for one request.
#[derive(Debug, Clone)]
pub struct Scope {
    database: Database,
    project_id: ProjectId,
    connection_id: ConnectionId,
    has_software: bool,
    api_key_id: ApiKeyId,
}

impl Scope {
    /// The rows of a connection. Only [`crate::auth::Authenticator`] calls this.
    pub(in crate::auth) fn of_caller(
        database: Database,
        project_id: ProjectId,
        connection: &ConnectionRow,
        api_key_id: ApiKeyId,
    ) -> Self {
        Self { database, project_id, connection_id: connection.id, has_software: connection.has_software, api_key_id }
    }

    /// The rows of a connection with software, for a task of the server. Only [`super::Worker`] calls this.
    pub(super) fn of_job(database: Database, project_id: ProjectId, connection_id: ConnectionId) -> Self {
        // Tasks share the sessions of lists as if they were one API key.
        Self { database, project_id, connection_id, has_software: true, api_key_id: ApiKeyId(Uuid::nil()) }
    }

    /// Refuses a row of another connection, even if a query forgot its tenant condition: the second line of defence.
    ///
    /// # Errors
    /// [`sqlx::Error::Decode`], which is an internal error.
    pub fn require_own(&self, connection_id: Uuid) -> Result<(), sqlx::Error> {
        if connection_id == self.connection_id.0 {
            Ok(())
        } else {
            Err(sqlx::Error::Decode("a query found a row of another connection".into()))
        }
    }

    /// Whether there is accounting software behind the connection. Without it, this server is the book of record.
    #[must_use]
    pub fn has_software(&self) -> bool {
        self.has_software
    }

    /// The tenant: every query of an accounting store has it in its `where`.
    #[must_use]
    pub fn connection_id(&self) -> ConnectionId {
        self.connection_id
    }

    /// The project that the connection belongs to.
    #[must_use]
    pub fn project_id(&self) -> ProjectId {
        self.project_id
    }

    /// The right to run one statement. A failure here has had no effect.
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn statement(&self) -> Result<Statement<'static>, db::Error> {
        self.database.statement().await
    }

    /// Begins a transaction. Only a [`super::JobScope`] gives it away.
    pub(super) async fn transaction(&self) -> Result<Transaction, db::Error> {
        self.database.transaction().await
    }

    /// The right to read one list; see [`Database::list_statement`].
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn list_statement(&self) -> Result<Statement<'static>, db::Error> {
        self.database.list_statement(self.api_key_id).await
    }
}

/// A value that belongs to one connection. Rows of many connections are written together as many of these, so that no
/// row is without its tenant.
#[derive(Debug)]
pub struct Scoped<T> {
    /// The connection that it belongs to.
    pub scope: Scope,
    /// The value.
    pub value: T,
}
