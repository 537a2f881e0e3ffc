//! A transaction: several statements that are stored together or not at all.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Postgres;

use super::error::Error;

/// A transaction of Postgres. Its statements run on `&mut Transaction`. They take effect with [`commit`](Self::commit),
/// and have none after [`rollback`](Self::rollback), a failed statement or a drop.
#[derive(Debug)]
pub struct Transaction {
    pub(super) inner: sqlx::Transaction<'static, Postgres>,
    /// Whether the session outlives the transaction with its prepared statements.
    pub(super) keeps_statements: bool,
    /// Whether every statement so far has returned `Ok`. Postgres answers the `commit` of a failed transaction with a
    /// rollback and no error, so we have to remember.
    pub(super) is_intact: bool,
}

impl Transaction {
    pub(super) fn new(inner: sqlx::Transaction<'static, Postgres>, keeps_statements: bool) -> Self {
        Self { inner, keeps_statements, is_intact: true }
    }

    /// Makes everything that was written visible and durable, at once.
    ///
    /// # Errors
    /// Those of [`Error::of_write`]: after [`Error::Lost`] it is not known whether the transaction is stored, after any
    /// other error nothing of it is. [`Error::Internal`] when a statement failed or was not awaited to its end.
    pub async fn commit(self) -> Result<(), Error> {
        if !self.is_intact {
            self.rollback().await?;
            let cause = "a statement of the transaction failed, so nothing of it was committed";
            return Err(Error::Internal(Arc::new(sqlx::Error::Protocol(cause.to_owned()))));
        }
        self.inner.commit().await.map_err(Error::of_write)
    }

    /// Takes everything back. A drop does the same, and leaves the session to do it later.
    ///
    /// # Errors
    /// [`Error::Unavailable`]. Nothing is stored then either: Postgres ends a transaction with its session.
    pub async fn rollback(self) -> Result<(), Error> {
        self.inner.rollback().await.map_err(Error::unavailable)
    }
}

/// Begins a transaction. Gives up after `timeout`, when Postgres does not answer or a pooler has no session free.
pub(super) async fn begin<'c>(
    timeout: Duration,
    transaction: impl Future<Output = Result<sqlx::Transaction<'c, Postgres>, sqlx::Error>>,
) -> Result<sqlx::Transaction<'c, Postgres>, Error> {
    let begun = tokio::time::timeout(timeout, transaction).await.unwrap_or(Err(sqlx::Error::PoolTimedOut));
    begun.map_err(Error::unavailable)
}
