//! The right to run one statement, which is a transaction by itself.
//!
//! In a session of its own, a statement is a transaction already: one round trip, prepared once. A pooler in
//! transaction mode assigns another session to each transaction, and that session has neither our settings nor our
//! prepared statements. There, running a statement begins a transaction that sets its own parameters, runs the
//! statement without a name, and commits.

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, Postgres};

use super::fair_queue::Permit;

/// The right to run one statement. sqlx's queries take it as their executor, which consumes it: two statements are
/// never taken for one transaction. What the statement wrote is committed when the query returns `Ok`, and before any
/// row is given out. Dropped without a query, it has no effect.
///
/// ```compile_fail,E0382
/// async fn twice(database: unibooks::db::Database) -> Result<(), unibooks::db::Error> {
///     let statement = database.statement().await?;
///     sqlx::query("select 1").execute(statement).await?;
///     sqlx::query("select 2").execute(statement).await?;
///     Ok(())
/// }
/// ```
///
/// A failed query that writes is mapped with [`super::Error::of_write`], whether the statement or its commit failed.
#[derive(Debug)]
pub struct Statement<'c> {
    pub(super) session: Session<'c>,
    /// Returned after the session, so that its next holder finds a free one.
    pub(super) permit: Option<Permit>,
}

/// Where a statement runs.
#[derive(Debug)]
pub(super) enum Session<'c> {
    /// On a session of a pool.
    Pooled(PoolConnection<Postgres>),
    /// On a session that a writer keeps.
    Kept(&'c mut PgConnection),
    /// In a transaction that a pooler has assigned a session to.
    Transaction(sqlx::Transaction<'c, Postgres>),
}

impl<'c> Statement<'c> {
    pub(super) fn new(session: Session<'c>) -> Self {
        Self { session, permit: None }
    }

    /// The same statement, which holds a permit until it has run.
    pub(super) fn with_permit(self, permit: Permit) -> Self {
        Self { permit: Some(permit), ..self }
    }
}

impl Session<'_> {
    /// The session of Postgres, and whether it keeps prepared statements.
    pub(super) fn parts(&mut self) -> (&mut PgConnection, bool) {
        match self {
            Self::Pooled(session) => (session, true),
            Self::Kept(session) => (session, true),
            Self::Transaction(transaction) => (transaction, false),
        }
    }

    /// Commits, where the statement's own transaction has not done it.
    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Pooled(_) | Self::Kept(_) => Ok(()),
            Self::Transaction(transaction) => transaction.commit().await,
        }
    }
}
