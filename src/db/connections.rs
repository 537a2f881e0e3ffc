//! Pools of connections, and how a unit of work begins on them.

use std::fmt::Write;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool, SqlSafeStr, SqlStr};

use super::error::Error;
use super::migrate::is_writable;
use super::unit_of_work::{KeptConnection, UnitOfWork, lent};

/// How sessions of Postgres are shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Pooling {
    /// Each connection has a session of its own: no pooler, or one in session mode
    Session,
    /// Each transaction has another session: a pooler in transaction mode
    Transaction,
}

/// Connections with one purpose. Cheap to clone: all clones share them.
#[derive(Debug, Clone)]
pub(super) struct Connections {
    pub pool: PgPool,
    /// How long to wait for one, and for a session.
    timeout: Duration,
    /// How transactions begin, where each statement needs one.
    begin: Option<SqlStr>,
}

impl Connections {
    /// At most `most`, each with these settings of Postgres.
    pub fn new(
        pooling: Pooling,
        most: u32,
        timeout: Duration,
        connect: PgConnectOptions,
        settings: &[(&str, &str)],
    ) -> Self {
        match pooling {
            Pooling::Session => {
                let connect = connect.options(settings.iter().copied());
                Self { pool: pool(most, timeout, connect), timeout, begin: None }
            }
            Pooling::Transaction => {
                Self { pool: pool(most, timeout, connect), timeout, begin: Some(begin_with(settings)) }
            }
        }
    }

    pub async fn begin(&self) -> Result<UnitOfWork<'static>, Error> {
        let Some(begin) = self.begin.clone() else {
            return self.pool.acquire().await.map(UnitOfWork::Statement).map_err(Error::unavailable);
        };
        lent(self.timeout, self.pool.begin_with(begin)).await
    }

    pub async fn keep(&self) -> Result<KeptConnection, Error> {
        let connection = self.pool.acquire().await.map_err(Error::unavailable)?;
        Ok(KeptConnection { connection, begin: self.begin.clone(), timeout: self.timeout })
    }
}

/// Begins a transaction with settings that end with it.
fn begin_with(settings: &[(&str, &str)]) -> SqlStr {
    let set = settings.iter().fold("begin".to_owned(), |mut text, (name, value)| {
        // Writing into a string does not fail.
        write!(text, "; set local {name} = '{value}'").ok();
        text
    });
    // Names and values are this server's own.
    AssertSqlSafe(set).into_sql_str()
}

fn pool(most: u32, timeout: Duration, connect: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(timeout)
        // A ping before each use would double the round trips of a create. Only a connection that has lain idle is
        // asked whether it still lives.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                // One that has become a standby's is of no use; another may lead to the new primary.
                if meta.idle_for > Duration::from_secs(1) { is_writable(connection).await } else { Ok(true) }
            })
        })
        .connect_lazy_with(connect)
}
