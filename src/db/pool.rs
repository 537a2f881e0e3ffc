//! A pool of sessions, and how a statement or a transaction begins on it.

use std::fmt::Write;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions, Postgres};
use sqlx::{AssertSqlSafe, Connection, PgPool, SqlSafeStr, SqlStr};

use super::clock::DatabaseClock;
use super::error::Error;
use super::statement::{Session, Statement};
use super::transaction::{Transaction, begin};

/// How sessions of Postgres are shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PoolerMode {
    /// The server keeps its sessions: no pooler, or one in session mode
    Session,
    /// Each transaction gets another session: a pooler in transaction mode
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

/// The sessions for one purpose. Cheap to clone: all clones share them.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    pub sqlx: PgPool,
    mode: PoolerMode,
    /// How long to wait for a session.
    timeout: Duration,
    /// How a transaction begins.
    begin: SqlStr,
}

impl Pool {
    /// A pool whose sessions, or transactions behind a pooler, have these parameters of Postgres. It connects when it
    /// is used.
    pub fn new(mode: PoolerMode, pool: PgPoolOptions, connect: PgConnectOptions, parameters: &[(&str, &str)]) -> Self {
        let (connect, begin) = match mode {
            PoolerMode::Session => {
                (connect.options(parameters.iter().copied()).options(KEEPALIVE), "begin".into_sql_str())
            }
            PoolerMode::Transaction => (connect, begin_with(parameters)),
        };
        Self { mode, timeout: pool.get_acquire_timeout(), sqlx: pool.connect_lazy_with(connect), begin }
    }

    /// Takes a session from the pool.
    pub async fn acquire(&self) -> Result<PoolConnection<Postgres>, Error> {
        self.sqlx.acquire().await.map_err(Error::unavailable)
    }

    /// The right to run one statement, on any session.
    pub async fn statement(&self) -> Result<Statement<'static>, Error> {
        Ok(Statement::new(match self.mode {
            PoolerMode::Session => Session::Pooled(self.acquire().await?),
            PoolerMode::Transaction => {
                Session::Transaction(begin(self.timeout, self.sqlx.begin_with(self.begin.clone())).await?)
            }
        }))
    }

    /// The right to run one statement, on a session of this pool that the caller keeps.
    pub async fn statement_on<'c>(&self, session: &'c mut PgConnection) -> Result<Statement<'c>, Error> {
        Ok(Statement::new(match self.mode {
            PoolerMode::Session => Session::Kept(session),
            PoolerMode::Transaction => {
                Session::Transaction(begin(self.timeout, session.begin_with(self.begin.clone())).await?)
            }
        }))
    }

    /// Begins a transaction, on any session.
    pub async fn transaction(&self) -> Result<Transaction, Error> {
        let transaction = begin(self.timeout, self.sqlx.begin_with(self.begin.clone())).await?;
        Ok(Transaction::new(transaction, self.mode == PoolerMode::Session))
    }
}

/// The text that begins a transaction with parameters that end with it.
fn begin_with(parameters: &[(&str, &str)]) -> SqlStr {
    let text = parameters.iter().fold("begin".to_owned(), |mut text, (name, value)| {
        // Writing into a string does not fail.
        write!(text, "; set local {name} = '{value}'").ok();
        text
    });
    // Names and values are constants of this server, and a number of milliseconds.
    AssertSqlSafe(text).into_sql_str()
}

/// What all pools have in common. `timeout` is how long to wait for a session.
pub(super) fn pool_options(timeout: Duration, clock: &DatabaseClock) -> PgPoolOptions {
    let clock = clock.clone();
    PgPoolOptions::new()
        .acquire_timeout(timeout)
        // A ping before each use would double the round trips of a create. Only a session that has been idle for a
        // second is checked.
        .test_before_acquire(false)
        .before_acquire(move |session, meta| {
            let clock = clock.clone();
            Box::pin(async move {
                // A session of a demoted primary is of no use; another may lead to the new primary.
                if meta.idle_for > Duration::from_secs(1) { clock.read(session).await } else { Ok(true) }
            })
        })
}
