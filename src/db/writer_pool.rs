//! The sessions in which new payments are written.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::Postgres;

use super::citus::NodeId;
use super::clock::DatabaseClock;
use super::database::Database;
use super::error::Error;
use super::pool::Pool;
use super::statement::Statement;
use crate::domain::ConnectionId;

/// The sessions in which new payments are written, and nothing else of the database: those of one node when it is
/// distributed. Cheap to clone: all clones share them.
#[derive(Debug, Clone)]
pub struct WriterPool {
    database: Database,
    /// `None` is where `DATABASE_URL` leads to.
    node: Option<NodeId>,
}

impl WriterPool {
    /// The writers' sessions of a database.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        Self { database: database.clone(), node: None }
    }

    /// The node on which the payments of a connection are to be written; `None` for all on a plain Postgres.
    #[must_use]
    pub fn node_of(&self, connection: ConnectionId) -> Option<NodeId> {
        self.database.node_of(connection)
    }

    /// The sessions of a node, as many again.
    #[must_use]
    pub fn on(&self, node: NodeId) -> Self {
        Self { database: self.database.clone(), node: Some(node) }
    }

    /// How many sessions there are. One keeps up with about what a core of the database's machine can do; two on a
    /// small machine were no faster and cost each payment more.
    #[must_use]
    pub fn size(&self) -> u32 {
        self.database.writers()
    }

    /// How long Postgres may work on one statement.
    #[must_use]
    pub fn statement_timeout(&self) -> Duration {
        self.database.statement_timeout()
    }

    /// Takes a session, to be kept while there are payments to write.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn acquire(&self) -> Result<WriterSession, Error> {
        let (pool, clock) = self.database.writer_sessions(self.node)?;
        let is_on_node = self.node.is_some();
        Ok(WriterSession { session: pool.acquire().await?, pool, clock, is_on_node })
    }
}

/// A session for one statement after another. It returns to its pool when it is dropped.
#[derive(Debug)]
pub struct WriterSession {
    session: PoolConnection<Postgres>,
    pool: Pool,
    clock: DatabaseClock,
    is_on_node: bool,
}

impl WriterSession {
    /// The right to run one statement. A failure here has had no effect.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn statement(&mut self) -> Result<Statement<'_>, Error> {
        self.pool.statement_on(&mut self.session).await
    }

    /// Whether it leads to the node that stores the payments, on a distributed database.
    #[must_use]
    pub fn is_on_node(&self) -> bool {
        self.is_on_node
    }

    /// The clock of the database at the other end.
    #[must_use]
    pub fn clock(&self) -> DatabaseClock {
        self.clock.clone()
    }

    /// Closes a session that may hang, instead of returning it.
    pub fn discard(self) {
        drop(self.session.detach());
    }
}
