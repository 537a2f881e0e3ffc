//! The database: its pools of sessions, and whether it can be used.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use tokio::time::Instant;

use super::citus::{NodeId, NodeSessions, Nodes};
use super::clock::DatabaseClock;
use super::error::Error;
use super::fair_queue::FairQueue;
use super::pool::{Pool, PoolerMode, pool_options};
use super::pooler;
use super::readiness::Readiness;
use super::schema::is_migrated;
use super::statement::Statement;
use super::transaction::Transaction;
use crate::domain::{ApiKeyId, ConnectionId};

/// How to reach the database.
#[derive(Clone)]
pub struct DatabaseOptions {
    /// Where it is, and the role and password to log in with.
    pub connect: PgConnectOptions,
    /// The most sessions at a time: a tenth is for the creation of payments, a quarter for lists and a quarter for what no
    /// client waits for, at least one each; one listens for notifications; the rest is for everything else.
    pub pool_size: u32,
    /// How long to wait for a session, and how long Postgres may work on one statement.
    pub timeout: Duration,
    /// Whether the server keeps its sessions.
    pub pooling: PoolerMode,
}

impl fmt::Debug for DatabaseOptions {
    /// Without the address, which sqlx would print with the password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connect: _, pool_size, timeout, pooling } = self;
        let mut shown = f.debug_struct("DatabaseOptions");
        shown.field("pool_size", pool_size).field("timeout", timeout).field("pooling", pooling);
        shown.finish_non_exhaustive()
    }
}

/// Connects once, so that a wrong address or password is reported as such and not as a pool that timed out. A database
/// that is still starting gets until the timeout.
async fn wait_for(options: &PgConnectOptions, timeout: Duration) -> Result<(), sqlx::Error> {
    const PAUSE: Duration = Duration::from_millis(100);
    let deadline = Instant::now() + timeout;
    loop {
        let connected = tokio::time::timeout_at(deadline, options.connect()).await;
        match connected.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
            Ok(session) => return session.close().await,
            Err(error) if is_starting(&error) && Instant::now() + PAUSE < deadline => tokio::time::sleep(PAUSE).await,
            Err(error) => return Err(pooler::explain(error)),
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

/// The database. Cheap to clone: all clones share the same sessions.
#[derive(Debug, Clone)]
pub struct Database {
    shared: Arc<Shared>,
    /// Where its statements and transactions run: [`Shared::calls`] or [`Shared::background`].
    general: Pool,
}

#[derive(Debug)]
struct Shared {
    timeout: Duration,
    pooling: PoolerMode,
    /// Whether [`Database::open`] was called.
    is_open: AtomicBool,
    readiness: Readiness,
    /// For calls of clients.
    calls: Pool,
    /// For work that no client waits for. Its threads have a lower priority, and no call waits for a session that such a
    /// thread reads from.
    background: Pool,
    /// Each writer of new payments (`accounting/payments/write/group_commit.rs`) has a session. It keeps the session
    /// while there is work, which must not starve other calls.
    writers: Pool,
    /// Lists have sessions of their own. There, Postgres plans each statement again, for its values: a cached
    /// plan would have to serve every combination of filters, and would scan a whole connection for a rare value. For a
    /// create call, planning each time would cost a third of its speed. And no flood of lists can take the create calls'
    /// sessions.
    lists: Pool,
    list_queue: FairQueue,
    /// One session, on which notifications arrive.
    listener: PgPool,
    clock: DatabaseClock,
    /// Sessions for the creation of payments on each node, when the database is distributed.
    nodes: Nodes,
}

impl Database {
    /// Connects, waiting up to the timeout for a database that is still starting.
    ///
    /// # Errors
    /// When the database cannot be reached in that time, or refuses us.
    pub async fn connect(options: DatabaseOptions) -> Result<Self, sqlx::Error> {
        let database = Self::new(options);
        wait_for(&database.general.sqlx.connect_options(), database.shared.timeout).await?;
        database.open();
        Ok(database)
    }

    /// A database that need not be there yet. No caller gets a session before it is [opened](Self::open).
    #[must_use]
    pub fn new(options: DatabaseOptions) -> Self {
        let DatabaseOptions { connect, pool_size, timeout, pooling } = options;
        let connect = connect.application_name("unibooks");
        // Postgres itself ends a statement that takes too long: then it is certain that nothing was stored, which a
        // timer on our side could not know.
        let statement_timeout = timeout.as_millis().to_string();
        let parameters = [
            ("statement_timeout", statement_timeout.as_str()),
            // A commit that the network delivers late finds its transaction ended.
            ("idle_in_transaction_session_timeout", statement_timeout.as_str()),
            ("timezone", "UTC"),
        ];
        // Each list has an index with its order. Without the last parameter, a wrong estimate for a connection that
        // `analyze` has not yet seen could make the planner read all of it and sort.
        let for_lists = [&parameters[..], &[("plan_cache_mode", "force_custom_plan"), ("enable_sort", "off")]].concat();

        let lists = (pool_size / 4).max(1);
        let writers = (pool_size / 10).max(1);
        let background = (pool_size / 4).max(1);
        let calls = pool_size.saturating_sub(lists + writers + background + 1).max(1);
        let clock = DatabaseClock::default();
        let options = pool_options(timeout, &clock);
        let pool = |options, parameters| Pool::new(pooling, options, connect.clone(), parameters);
        let calls = pool(options.clone().max_connections(calls), &parameters);
        let background = pool(options.clone().max_connections(background), &parameters);
        Self {
            general: calls.clone(),
            shared: Arc::new(Shared {
                timeout,
                pooling,
                is_open: AtomicBool::default(),
                readiness: Readiness::default(),
                calls,
                background,
                writers: pool(clock.read_on_connect(options.clone().max_connections(writers)), &parameters),
                lists: pool(options.clone().max_connections(lists), &for_lists),
                list_queue: FairQueue::new(lists),
                listener: pool(options.max_connections(1), &parameters).sqlx,
                clock,
                nodes: Nodes::new(NodeSessions {
                    pooling,
                    timeout,
                    connect: connect.clone(),
                    parameters: parameters.map(|(name, value)| (name, value.to_owned())).to_vec(),
                    count: writers,
                }),
            }),
        }
    }

    /// The same database for work that no client waits for, with sessions of its own.
    #[must_use]
    pub fn in_background(&self) -> Self {
        Self { general: self.shared.background.clone(), shared: Arc::clone(&self.shared) }
    }

    /// Connects once, so that a refusal is reported as such and not as a pool that timed out.
    ///
    /// # Errors
    /// When the database cannot be reached, or refuses us.
    pub async fn reach(&self) -> Result<(), sqlx::Error> {
        let connected = tokio::time::timeout(self.shared.timeout, self.connect_alone()).await;
        connected.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(pooler::explain)?.close().await
    }

    /// Lets every caller in, once the schema is there.
    pub fn open(&self) {
        self.shared.is_open.store(true, Ordering::Release);
    }

    /// A session outside the pools, for changing the schema.
    pub(super) async fn connect_alone(&self) -> Result<PgConnection, sqlx::Error> {
        self.general.sqlx.connect_options().connect().await
    }

    /// The right to run one statement before the database is open, to check the schema.
    pub(super) async fn unopened_statement(&self) -> Result<Statement<'static>, Error> {
        self.general.statement().await
    }

    /// How sessions are shared.
    #[must_use]
    pub fn pooling(&self) -> PoolerMode {
        self.shared.pooling
    }

    /// How long Postgres may work on one statement.
    #[must_use]
    pub fn statement_timeout(&self) -> Duration {
        self.shared.timeout
    }

    /// How many sessions there are for the creation of payments.
    #[must_use]
    pub fn writers(&self) -> u32 {
        self.shared.writers.sqlx.options().get_max_connections()
    }

    /// The sessions for the creation of payments: on one node, or where `DATABASE_URL` leads to. With the clock there.
    pub(super) fn writer_sessions(&self, node: Option<NodeId>) -> Result<(Pool, DatabaseClock), Error> {
        let pool = self.opened(&self.shared.writers)?;
        node.map_or_else(|| Ok((pool.clone(), self.shared.clock.clone())), |node| self.shared.nodes.sessions(node))
    }

    /// The node on which the payments of a connection are to be written; `None` for all on a plain Postgres.
    pub(super) fn node_of(&self, connection: ConnectionId) -> Option<NodeId> {
        self.shared.nodes.node_of(connection)
    }

    /// Whether Citus has distributed the database.
    pub(crate) fn is_distributed(&self) -> bool {
        self.shared.nodes.is_distributed()
    }

    /// Reads whether the database is distributed, and over which nodes.
    ///
    /// # Errors
    /// When the database fails. What was known stays.
    pub(super) async fn load_nodes(&self) -> Result<(), sqlx::Error> {
        let statement = self.unopened_statement().await.map_err(|error| sqlx::Error::Configuration(error.into()))?;
        self.shared.nodes.load(statement).await
    }

    /// Notices when shards move to other nodes. Runs until it is aborted; on a plain Postgres it has nothing to do.
    pub async fn follow_shards(self) {
        const INTERVAL: Duration = Duration::from_secs(10);
        loop {
            tokio::time::sleep(INTERVAL).await;
            if self.is_distributed()
                && let Err(error) = self.load_nodes().await
            {
                // The shards that were known may still be right, and a write elsewhere is stored, too.
                tracing::debug!(error = &error as &dyn std::error::Error, "the nodes of the database were not read");
            }
        }
    }

    fn opened<'a>(&self, pool: &'a Pool) -> Result<&'a Pool, Error> {
        if self.shared.is_open.load(Ordering::Acquire) {
            return Ok(pool);
        }
        Err(Error::unavailable(sqlx::Error::Configuration("it has not been reached since the start".into())))
    }

    /// The right to run one statement. A failure here has had no effect.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn statement(&self) -> Result<Statement<'static>, Error> {
        self.opened(&self.general)?.statement().await
    }

    /// Begins a transaction. A failure here has had no effect.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn transaction(&self) -> Result<Transaction, Error> {
        self.opened(&self.general)?.transaction().await
    }

    /// The right to read one list: with a statement of many optional filters. API keys share these sessions fairly.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn list_statement(&self, key: ApiKeyId) -> Result<Statement<'static>, Error> {
        let lists = self.opened(&self.shared.lists)?;
        let permit = self.shared.list_queue.acquire(key, self.shared.timeout).await?;
        Ok(lists.statement().await?.with_permit(permit))
    }

    /// A listener for notifications, on a session of its own. Only one can be had at a time.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub(super) async fn listener(&self) -> Result<PgListener, Error> {
        let mut listener = PgListener::connect_with(&self.shared.listener).await.map_err(Error::unavailable)?;
        // A lost session is reported before there is a new one: what was sent in between is missed.
        listener.eager_reconnect(false);
        Ok(listener)
    }

    /// Whether statements are answered, every migration of this build is applied, and rows can be written.
    ///
    /// Callers that ask at the same time share one check, and its outcome counts for 250 milliseconds.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when not.
    pub async fn check_ready(&self) -> Result<(), Error> {
        self.shared.readiness.share(|| self.check_now()).await
    }

    async fn check_now(&self) -> Result<(), Error> {
        let fault = match self.shared.clock.read(self.statement().await?).await.map_err(Error::unavailable)? {
            false => "it is read-only: a standby?",
            true if is_migrated(self.statement().await?).await.map_err(Error::unavailable)? => return Ok(()),
            true => "it has not this version's schema",
        };
        Err(Error::unavailable(sqlx::Error::Configuration(fault.into())))
    }

    /// Waits for sessions in use to return, then closes all of them. The listener has nothing to finish.
    pub async fn close(&self) {
        tokio::join!(
            self.shared.calls.sqlx.close(),
            self.shared.background.sqlx.close(),
            self.shared.writers.sqlx.close(),
            self.shared.lists.sqlx.close(),
            self.shared.nodes.close()
        );
    }
}
