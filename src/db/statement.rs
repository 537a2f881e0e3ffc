//! A connection for one statement, whatever stands between this server and Postgres.
//!
//! In a session of one's own a statement is a transaction by itself: one round trip, prepared once. A pooler in
//! transaction mode lends another session with each transaction, and none of them knows what was said before: no
//! setting, no prepared statement. Behind such a one each statement stands in a transaction of its own, which brings
//! its settings along, and has no name. The stores know nothing of it, but that what they write counts when it is
//! committed.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, Postgres};
use sqlx::{Connection, SqlStr, Transaction};

use super::clock::DatabaseClock;
use super::error::Error;

/// A transaction on a session that a pooler lends, which it may not have.
pub(super) async fn begin_pooled<'c>(
    timeout: Duration,
    transaction: impl Future<Output = Result<Transaction<'c, Postgres>, sqlx::Error>>,
) -> Result<Statement<'c>, Error> {
    let begun = tokio::time::timeout(timeout, transaction).await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
    begun.map(Statement::Transaction).map_err(Error::unavailable)
}

/// A connection for one unit of work after another. It goes back to its pool when it is dropped.
#[derive(Debug)]
pub struct WriterSession {
    pub(super) connection: PoolConnection<Postgres>,
    pub(super) begin: Option<SqlStr>,
    pub(super) timeout: Duration,
    pub(super) clock: DatabaseClock,
}

impl WriterSession {
    /// Begins a unit of work. What fails here has had no effect.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn begin(&mut self) -> Result<Statement<'_>, Error> {
        match self.begin.clone() {
            None => Ok(Statement::Kept(&mut self.connection)),
            Some(begin) => begin_pooled(self.timeout, self.connection.begin_with(begin)).await,
        }
    }

    /// The clock of the database at the other end.
    #[must_use]
    pub fn clock(&self) -> DatabaseClock {
        self.clock.clone()
    }

    /// The connection itself.
    #[cfg(feature = "broken")]
    pub fn session(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Closes a connection that may hang, instead of giving it back.
    pub fn discard(self) {
        drop(self.connection.detach());
    }
}

/// The right to run one statement. What it wrote counts for sure only when this is committed.
#[derive(Debug)]
pub enum Statement<'c> {
    /// The statement is a transaction by itself.
    Statement(PoolConnection<Postgres>),
    /// The same, on a connection that is kept.
    Kept(&'c mut PgConnection),
    /// The statement stands in a transaction.
    Transaction(Transaction<'c, Postgres>),
}

impl Statement<'_> {
    /// Makes what was written count.
    ///
    /// # Errors
    /// [`Error::Lost`] when it is not known whether it does.
    pub async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Statement(_) | Self::Kept(_) => Ok(()),
            Self::Transaction(transaction) => transaction.commit().await.map_err(Error::of_write),
        }
    }

    /// The connection, and whether it keeps prepared statements.
    pub(super) fn connection(&mut self) -> (&mut PgConnection, bool) {
        match self {
            Self::Statement(connection) => (connection, true),
            Self::Kept(connection) => (connection, true),
            Self::Transaction(transaction) => (transaction, false),
        }
    }
}
