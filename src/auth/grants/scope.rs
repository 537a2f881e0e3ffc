//! The right to touch rows, as a value. Store functions demand one; only this module's neighbours can make one.

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

    /// Begins a unit of work on the database. What fails here has had no effect.
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

    /// A database connection for creates; see [`Database::writer_session`].
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn writer_session(&self) -> Result<WriterSession, db::Error> {
        self.database.writer_session().await
    }
}

/// Something that belongs to one connection. Rows of many connections are written together as many of these, so that
/// none of them can be without its tenant.
#[derive(Debug)]
pub struct Scoped<T> {
    /// Whose it is.
    pub scope: Scope,
    /// What it is.
    pub value: T,
}

/// Whoever sits at the console with the database's address in hand: may make projects, keys and connections, and
/// never stands behind an HTTP route.
#[derive(Debug, Clone)]
pub struct Operator {
    database: Database,
}

impl Operator {
    /// The person at the console. Only `cli/` calls this.
    #[must_use]
    pub fn from_cli(database: Database) -> Self {
        Self { database }
    }

    /// Begins a unit of work on the database.
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn begin(&self) -> Result<Statement<'static>, db::Error> {
        self.database.begin().await
    }
}
