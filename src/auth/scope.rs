//! The right to touch rows, as a value. Store functions demand one; only this module's neighbours can make one.

use sqlx::pool::PoolConnection;
use sqlx::postgres::Postgres;

use crate::db::{self, Database};
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
    pub async fn acquire(&self) -> Result<PoolConnection<Postgres>, db::Error> {
        self.database.acquire().await
    }

    /// A database connection for a list; see [`Database::acquire_for_list`].
    ///
    /// # Errors
    /// [`db::Error::Unavailable`].
    pub async fn acquire_for_list(&self) -> Result<PoolConnection<Postgres>, db::Error> {
        self.database.acquire_for_list().await
    }
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
    pub async fn acquire(&self) -> Result<PoolConnection<Postgres>, db::Error> {
        self.database.acquire().await
    }
}
