//! The right to touch rows, as a value. Store functions demand one; only this module's neighbours can make one.

use crate::db::{self, Database, PooledConnection};
use crate::domain::{ConnectionId, ProjectId};

/// The rows of one connection, for one request.
#[derive(Debug, Clone)]
pub struct Scope {
    database: Database,
    project_id: ProjectId,
    connection_id: ConnectionId,
}

impl Scope {
    pub(super) fn new(database: Database, project_id: ProjectId, connection_id: ConnectionId) -> Self {
        Self { database, project_id, connection_id }
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

    /// A database connection. What fails here has had no effect.
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn acquire(&self) -> Result<PooledConnection, db::Error> {
        self.database.acquire().await
    }

    /// A database connection for creates; see [`Database::acquire_for_create`].
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn acquire_for_create(&self) -> Result<PooledConnection, db::Error> {
        self.database.acquire_for_create().await
    }

    /// A database connection for a list; see [`Database::acquire_for_list`].
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn acquire_for_list(&self) -> Result<PooledConnection, db::Error> {
        self.database.acquire_for_list().await
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
    pub fn at_the_console(database: Database) -> Self {
        Self { database }
    }

    /// A database connection.
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn acquire(&self) -> Result<PooledConnection, db::Error> {
        self.database.acquire().await
    }
}
