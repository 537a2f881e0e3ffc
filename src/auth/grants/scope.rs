//! The grant of an authenticated request: the rows of one connection.

use crate::db::{self, Database, Statement};
use crate::domain::{ApiKeyId, ConnectionId, ProjectId};

/// The rows of one connection, for one request.
#[derive(Debug, Clone)]
pub struct Scope {
    database: Database,
    project_id: ProjectId,
    connection_id: ConnectionId,
    api_key_id: ApiKeyId,
}

impl Scope {
    /// The rows of `connection_id`. Only [`crate::auth::Authenticator`] calls this.
    pub(in crate::auth) fn new(
        database: Database,
        project_id: ProjectId,
        connection_id: ConnectionId,
        api_key_id: ApiKeyId,
    ) -> Self {
        Self { database, project_id, connection_id, api_key_id }
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
