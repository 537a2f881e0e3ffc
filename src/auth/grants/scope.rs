//! The grant of an authenticated request: the rows of one connection.

use crate::db::{self, Database, Statement, Turn, WriterSession};
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

    /// Begins a statement. A failure here has had no effect.
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn begin(&self) -> Result<Statement<'static>, db::Error> {
        self.database.begin().await
    }

    /// Begins to read a list; see [`Database::begin_list`].
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn begin_list(&self) -> Result<(Statement<'static>, Turn), db::Error> {
        self.database.begin_list(self.api_key_id).await
    }

    /// A session for creates; see [`Database::writer_session`].
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn writer_session(&self) -> Result<WriterSession, db::Error> {
        self.database.writer_session().await
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
