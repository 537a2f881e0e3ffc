//! The pool of connections.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use tokio::time::Instant;

use super::clock::DatabaseClock;
use super::error::Error;
use super::pool::{Pool, PoolerMode, pool_options};
use super::pooler;
use super::readiness::Readiness;
use super::schema::{is_migrated, is_writable};
use super::statement::{Statement, WriterSession};
use super::turns::{Turn, Turns};
use crate::domain::ApiKeyId;

/// How to reach the database.
#[derive(Clone)]
pub struct DatabaseOptions {
    /// Where it is and who we are there.
    pub connect: PgConnectOptions,
    /// The most connections at a time: a tenth is for the creation of payments and a quarter for lists, at least one
    /// each; one listens for notifications; the rest is for everything else.
    pub max_connections: u32,
    /// How long to wait for a connection, and how long Postgres may work on one statement.
    pub timeout: Duration,
    /// Whether a connection is a session.
    pub pooling: PoolerMode,
}

impl fmt::Debug for DatabaseOptions {
    /// Without the address, which sqlx would print with the password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connect: _, max_connections, timeout, pooling } = self;
        let mut shown = f.debug_struct("DatabaseOptions");
        shown.field("max_connections", max_connections).field("timeout", timeout).field("pooling", pooling);
        shown.finish_non_exhaustive()
    }
}

/// Connects once, so that a wrong address or password is told by its own error and not as a pool that timed out. A
/// database that is still starting gets until the timeout.
async fn wait_for(options: &PgConnectOptions, timeout: Duration) -> Result<(), sqlx::Error> {
    const PAUSE: Duration = Duration::from_millis(100);
    let deadline = Instant::now() + timeout;
    loop {
        let connected = tokio::time::timeout_at(deadline, options.connect()).await;
        match connected.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
            Ok(connection) => return connection.close().await,
            Err(error) if is_starting(&error) && Instant::now() + PAUSE < deadline => tokio::time::sleep(PAUSE).await,
            Err(error) => return Err(pooler::explained(error)),
        }
    }
}

fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        // cannot_connect_now
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code == "57P03"),
        _ => false,
    }
}

/// The database. Cheap to clone: all clones share the same connections.
#[derive(Debug, Clone)]
pub struct Database {
    timeout: Duration,
    pooling: PoolerMode,
    /// Whether the schema is known to be there.
    is_open: Arc<AtomicBool>,
    readiness: Readiness,
    others: Pool,
    /// The writers of new payments (`accounting/payments/write/group_commit.rs`) have a connection each. They hold it while
    /// there is work, which must not starve the others.
    creates: Pool,
    /// Lists have connections of their own. There, statements are planned anew each time, with their values in sight:
    /// a kept plan would have to serve every combination of filters and walk a whole connection for the rare ones,
    /// while for a create call planning anew would cost a third of its speed. And no flood of lists can keep the
    /// create calls from a connection.
    lists: Pool,
    list_turns: Turns,
    /// One connection, on which notifications arrive.
    listener: PgPool,
    clock: DatabaseClock,
}

impl Database {
    /// Connects, waiting up to the timeout for a database that is still starting.
    ///
    /// # Errors
    /// When it cannot be reached in that time, or refuses us.
    pub async fn connect(options: DatabaseOptions) -> Result<Self, sqlx::Error> {
        let database = Self::new(options);
        wait_for(&database.others.sqlx.connect_options(), database.timeout).await?;
        database.open();
        Ok(database)
    }

    /// A database that need not be there yet. Nobody gets a connection before it is [opened](Self::open).
    #[must_use]
    pub fn new(options: DatabaseOptions) -> Self {
        let DatabaseOptions { connect, max_connections, timeout, pooling } = options;
        let connect = connect.application_name("unibooks");
        // Postgres itself ends what takes too long: then it is certain that nothing was stored, which a timer on our
        // side could not know.
        let statement_timeout = timeout.as_millis().to_string();
        let settings = [
            ("statement_timeout", statement_timeout.as_str()),
            // A commit that the network delivers late finds its transaction ended.
            ("idle_in_transaction_session_timeout", statement_timeout.as_str()),
            ("timezone", "UTC"),
        ];
        // Each list has an index with its order. Without the last one, what the planner believes of a connection that it
        // has not yet counted could make it read all of it and sort.
        let for_lists = [&settings[..], &[("plan_cache_mode", "force_custom_plan"), ("enable_sort", "off")]].concat();

        let lists = (max_connections / 4).max(1);
        let creates = (max_connections / 10).max(1);
        let others = max_connections.saturating_sub(lists + creates + 1).max(1);
        let clock = DatabaseClock::default();
        let pool = pool_options(timeout, &clock);
        let connections = |pool, settings| Pool::new(pooling, pool, connect.clone(), settings);
        Self {
            timeout,
            pooling,
            is_open: Arc::default(),
            readiness: Readiness::default(),
            others: connections(pool.clone().max_connections(others), &settings),
            creates: connections(clock.read_on_connect(pool.clone().max_connections(creates)), &settings),
            lists: connections(pool.clone().max_connections(lists), &for_lists),
            list_turns: Turns::new(lists),
            listener: connections(pool.max_connections(1), &settings).sqlx,
            clock,
        }
    }

    /// Connects once, so that what refuses us is told by its own error and not as a pool that timed out.
    ///
    /// # Errors
    /// When it cannot be reached, or refuses us.
    pub async fn reach(&self) -> Result<(), sqlx::Error> {
        let connected = tokio::time::timeout(self.timeout, self.connect_alone()).await;
        connected.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(pooler::explained)?.close().await
    }

    /// Lets everybody in, once the schema is there.
    pub fn open(&self) {
        self.is_open.store(true, Ordering::Release);
    }

    /// A connection of its own for changing the schema.
    pub(super) async fn connect_alone(&self) -> Result<PgConnection, sqlx::Error> {
        self.others.sqlx.connect_options().connect().await
    }

    /// Begins a unit of work to look whether the schema is there.
    pub(super) async fn begin_unopened(&self) -> Result<Statement<'static>, Error> {
        self.others.begin().await
    }

    /// Whether a connection is a session, which keeps what is said to it.
    #[must_use]
    pub fn pooling(&self) -> PoolerMode {
        self.pooling
    }

    fn opened<'a>(&self, connections: &'a Pool) -> Result<&'a Pool, Error> {
        if self.is_open.load(Ordering::Acquire) {
            return Ok(connections);
        }
        Err(Error::unavailable(sqlx::Error::Configuration("it has not been reached since the start".into())))
    }

    /// How long Postgres may work on one statement.
    #[must_use]
    pub fn statement_timeout(&self) -> Duration {
        self.timeout
    }

    /// Begins a unit of work. What fails here has had no effect.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn begin(&self) -> Result<Statement<'static>, Error> {
        self.opened(&self.others)?.begin().await
    }

    /// How many connections there are for the creation of payments. One keeps up with about what a core of the
    /// database's machine can do; two on a small machine were no faster and cost each payment more.
    #[must_use]
    pub fn writers(&self) -> u32 {
        self.creates.sqlx.options().get_max_connections()
    }

    /// A connection for the creation of payments, to be kept while there are some.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn writer_session(&self) -> Result<WriterSession, Error> {
        self.opened(&self.creates)?.keep(self.clock.clone()).await
    }

    /// Begins to read a list: with a statement of many optional filters. API keys take turns at the connections; keep
    /// the turn as long as the unit of work.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn begin_list(&self, key: ApiKeyId) -> Result<(Statement<'static>, Turn), Error> {
        let lists = self.opened(&self.lists)?;
        let turn = self.list_turns.take(key, self.timeout).await?;
        Ok((lists.begin().await?, turn))
    }

    /// A listener for notifications, on a connection of its own. Only one can be had at a time.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn listener(&self) -> Result<PgListener, Error> {
        let mut listener = PgListener::connect_with(&self.listener).await.map_err(Error::unavailable)?;
        // A lost connection is told before there is a new one: what was said meanwhile is missed.
        listener.eager_reconnect(false);
        Ok(listener)
    }

    /// Whether statements are answered, every migration of this build is applied, and rows can be written.
    ///
    /// Those who ask at the same time share one look, and its outcome counts for 250 milliseconds.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when not.
    pub async fn check_ready(&self) -> Result<(), Error> {
        self.readiness.share(|| self.look_whether_ready()).await
    }

    async fn look_whether_ready(&self) -> Result<(), Error> {
        let mut work = self.begin().await?;
        let fault = match is_writable(&mut work).await.map_err(Error::unavailable)? {
            false => "it is read-only: a standby?",
            true if is_migrated(&mut work).await.map_err(Error::unavailable)? => return Ok(()),
            true => "it has not this version's schema",
        };
        Err(Error::unavailable(sqlx::Error::Configuration(fault.into())))
    }

    /// Waits for connections in use to come back, then closes them all. The listener's has nothing to finish.
    pub async fn close(&self) {
        tokio::join!(self.others.sqlx.close(), self.creates.sqlx.close(), self.lists.sqlx.close());
    }
}
