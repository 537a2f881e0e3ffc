//! The pool of connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions, Postgres};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use tokio::time::Instant;

use super::error::Error;
use super::migrate::{is_migrated, is_writable};

/// A connection that goes back to its pool when it is dropped.
pub type PooledConnection = PoolConnection<Postgres>;

/// How to reach the database.
#[derive(Debug, Clone)]
pub struct DatabaseOptions {
    /// Where it is and who we are there.
    pub connect: PgConnectOptions,
    /// The most connections at a time: a tenth is for the creation of payments and a quarter for lists, at least one
    /// each; one listens for notifications; the rest is for everything else.
    pub max_connections: u32,
    /// How long to wait for a connection, and how long Postgres may work on one statement.
    pub timeout: Duration,
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
            Err(error) => return Err(error),
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
    /// Whether the schema is known to be there.
    is_open: Arc<AtomicBool>,
    pool: PgPool,
    /// The writers of new payments (`accounting/payments/group_commit.rs`) have a connection each. They hold it while
    /// there is work, which must not starve the others.
    creates: PgPool,
    /// Lists have connections of their own. There, statements are planned anew each time, with their values in sight:
    /// a kept plan would have to serve every combination of filters and walk a whole connection for the rare ones,
    /// while for a create call planning anew would cost a third of its speed. And no flood of lists can keep the
    /// create calls from a connection.
    lists: PgPool,
    /// One connection, on which notifications arrive.
    listener: PgPool,
}

impl Database {
    /// Connects, waiting up to the timeout for a database that is still starting.
    ///
    /// # Errors
    /// When it cannot be reached in that time, or refuses us.
    pub async fn connect(options: DatabaseOptions) -> Result<Self, sqlx::Error> {
        let database = Self::new(options);
        wait_for(&database.pool.connect_options(), database.timeout).await?;
        database.open();
        Ok(database)
    }

    /// A database that need not be there yet. Nobody gets a connection before it is [opened](Self::open).
    #[must_use]
    pub fn new(options: DatabaseOptions) -> Self {
        let DatabaseOptions { connect, max_connections, timeout } = options;
        // Postgres itself ends what takes too long: then it is certain that nothing was stored, which a timer on our
        // side could not know.
        let statement_timeout = timeout.as_millis().to_string();
        let connect = connect
            .application_name("unibooks")
            .options([("statement_timeout", statement_timeout.as_str()), ("timezone", "UTC")]);

        let for_lists = (max_connections / 4).max(1);
        let for_creates = (max_connections / 10).max(1);
        let for_others = max_connections.saturating_sub(for_lists + for_creates + 1).max(1);
        let pool = |connections: u32| {
            PgPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(timeout)
                // A ping before each use would double the round trips of a create. Only a connection that has lain idle
                // is asked whether it still lives.
                .test_before_acquire(false)
                .before_acquire(|connection, meta| {
                    Box::pin(async move {
                        // One that has become a standby's is of no use; another may lead to the new primary.
                        if meta.idle_for > Duration::from_secs(1) { is_writable(connection).await } else { Ok(true) }
                    })
                })
        };
        // Each list has an index with its order. Without this, what the planner believes of a connection that it has not
        // yet counted could make it read all of it and sort.
        let planned_anew = connect.clone().options([("plan_cache_mode", "force_custom_plan"), ("enable_sort", "off")]);
        Self {
            timeout,
            is_open: Arc::default(),
            pool: pool(for_others).connect_lazy_with(connect.clone()),
            creates: pool(for_creates).connect_lazy_with(connect.clone()),
            listener: pool(1).connect_lazy_with(connect),
            lists: pool(for_lists).connect_lazy_with(planned_anew),
        }
    }

    /// Connects once, so that what refuses us is told by its own error and not as a pool that timed out.
    ///
    /// # Errors
    /// When it cannot be reached, or refuses us.
    pub async fn reach(&self) -> Result<(), sqlx::Error> {
        let connected = tokio::time::timeout(self.timeout, self.connect_alone()).await;
        connected.unwrap_or(Err(sqlx::Error::PoolTimedOut))?.close().await
    }

    /// Lets everybody in, once the schema is there.
    pub fn open(&self) {
        self.is_open.store(true, Ordering::Release);
    }

    /// A connection of its own for changing the schema.
    pub(super) async fn connect_alone(&self) -> Result<PgConnection, sqlx::Error> {
        self.pool.connect_options().connect().await
    }

    async fn acquire_from(&self, pool: &PgPool) -> Result<PooledConnection, Error> {
        if self.is_open.load(Ordering::Acquire) {
            return pool.acquire().await.map_err(Error::unavailable);
        }
        Err(Error::unavailable(sqlx::Error::Configuration("it has not been reached since the start".into())))
    }

    /// How long Postgres may work on one statement.
    #[must_use]
    pub fn statement_timeout(&self) -> Duration {
        self.timeout
    }

    /// A connection from the pool. What fails here has had no effect.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn acquire(&self) -> Result<PooledConnection, Error> {
        self.acquire_from(&self.pool).await
    }

    /// How many connections there are for the creation of payments. One keeps up with about what a core of the
    /// database's machine can do; two on a small machine were no faster and cost each payment more.
    #[must_use]
    pub fn writers(&self) -> u32 {
        self.creates.options().get_max_connections()
    }

    /// A connection for the creation of payments.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn acquire_for_create(&self) -> Result<PooledConnection, Error> {
        self.acquire_from(&self.creates).await
    }

    /// A connection for a list: a statement with many optional filters.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn acquire_for_list(&self) -> Result<PooledConnection, Error> {
        self.acquire_from(&self.lists).await
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
    /// # Errors
    /// [`Error::Unavailable`] when not.
    pub async fn check_ready(&self) -> Result<(), Error> {
        is_migrated(&mut *self.acquire().await?).await.map_err(Error::unavailable)
    }

    /// Waits for connections in use to come back, then closes them all. The listener's has nothing to finish.
    pub async fn close(&self) {
        tokio::join!(self.pool.close(), self.creates.close(), self.lists.close());
    }
}
