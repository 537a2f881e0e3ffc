//! Pools of connections, and how a unit of work begins on them.

use std::fmt::Write;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool, SqlSafeStr, SqlStr};

use super::clock::DatabaseClock;
use super::error::Error;
use super::statement::{Statement, WriterSession, begin_pooled};

/// How sessions of Postgres are shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PoolerMode {
    /// Each connection has a session of its own: no pooler, or one in session mode
    Session,
    /// Each transaction has another session: a pooler in transaction mode
    Transaction,
}

/// Lets Postgres notice within half a minute that this server, or the network to it, is gone, and end the session with
/// what it holds. Seconds; the last in milliseconds.
const KEEPALIVE: [(&str, &str); 4] = [
    ("tcp_keepalives_idle", "15"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "30000"),
];

/// Pool with one purpose. Cheap to clone: all clones share them.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    pub sqlx: PgPool,
    /// How long to wait for one, and for a session.
    timeout: Duration,
    /// How transactions begin, where each statement needs one.
    begin: Option<SqlStr>,
}

impl Pool {
    /// Each has these settings of Postgres.
    pub fn new(pooling: PoolerMode, pool: PgPoolOptions, connect: PgConnectOptions, settings: &[(&str, &str)]) -> Self {
        let (connect, begin) = match pooling {
            PoolerMode::Session => (connect.options(settings.iter().copied()).options(KEEPALIVE), None),
            PoolerMode::Transaction => (connect, Some(begin_with(settings))),
        };
        Self { timeout: pool.get_acquire_timeout(), sqlx: pool.connect_lazy_with(connect), begin }
    }

    pub async fn begin(&self) -> Result<Statement<'static>, Error> {
        let Some(begin) = self.begin.clone() else {
            return self.sqlx.acquire().await.map(Statement::Statement).map_err(Error::unavailable);
        };
        begin_pooled(self.timeout, self.sqlx.begin_with(begin)).await
    }

    pub async fn keep(&self, clock: DatabaseClock) -> Result<WriterSession, Error> {
        let connection = self.sqlx.acquire().await.map_err(Error::unavailable)?;
        Ok(WriterSession { connection, begin: self.begin.clone(), timeout: self.timeout, clock })
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

/// What all pools have in common. `timeout` is how long to wait for a connection.
pub(super) fn pool_options(timeout: Duration, clock: &DatabaseClock) -> PgPoolOptions {
    let clock = clock.clone();
    PgPoolOptions::new()
        .acquire_timeout(timeout)
        // A ping before each use would double the round trips of a create. Only a connection that has lain idle is
        // asked whether it still lives.
        .test_before_acquire(false)
        .before_acquire(move |connection, meta| {
            let clock = clock.clone();
            Box::pin(async move {
                // One that has become a standby's is of no use; another may lead to the new primary.
                if meta.idle_for > Duration::from_secs(1) { clock.read(connection).await } else { Ok(true) }
            })
        })
}
