//! The sessions in which new payments are written on each node of a distributed database.
//!
//! A transaction that spans nodes commits in two phases, which costs many times what a commit on one node does. So the
//! payments of each node are written in sessions of that node, and commit there as on any Postgres. A write that
//! arrives at a node from which its shard has moved is stored all the same: Citus forwards it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use sqlx::PgExecutor;
use sqlx::postgres::PgConnectOptions;

use super::shard_map::{Node, NodeId, ShardMap};
use crate::db::clock::DatabaseClock;
use crate::db::error::Error;
use crate::db::pool::{Pool, PoolerMode, pool_options};
use crate::domain::ConnectionId;

/// Without it, Citus opens a session to its own node for each shard that a statement writes to, and commits in two
/// phases.
const ON_ONE_SESSION: (&str, &str) = ("citus.multi_shard_modify_mode", "sequential");

/// How sessions with a node are opened.
#[derive(Clone)]
pub(in crate::db) struct NodeSessions {
    pub pooling: PoolerMode,
    pub timeout: Duration,
    /// Where the database of `DATABASE_URL` is, and how to log in there and on every node.
    pub connect: PgConnectOptions,
    /// The parameters of Postgres for each session.
    pub parameters: Vec<(&'static str, String)>,
    /// How many sessions there are for each node.
    pub count: u32,
}

impl fmt::Debug for NodeSessions {
    /// Without the address, which sqlx would print with the password in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pooling, timeout, connect: _, parameters, count } = self;
        let mut shown = f.debug_struct("NodeSessions");
        shown.field("pooling", pooling).field("timeout", timeout).field("parameters", parameters).field("count", count);
        shown.finish_non_exhaustive()
    }
}

/// The nodes of the database. There are none on a plain Postgres. Cheap to clone: all clones share them.
#[derive(Debug, Clone)]
pub(in crate::db) struct Nodes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sessions: NodeSessions,
    map: RwLock<Option<ShardMap>>,
    pools: Mutex<HashMap<NodeId, NodePool>>,
}

#[derive(Debug)]
struct NodePool {
    node: Node,
    /// `None` while it cannot be reached from here.
    pool: Option<(Pool, DatabaseClock)>,
}

impl Nodes {
    /// None so far.
    pub fn new(sessions: NodeSessions) -> Self {
        Self(Arc::new(Inner { sessions, map: RwLock::default(), pools: Mutex::default() }))
    }

    /// Reads from Citus where the shards are, and connects to nodes that are new. Logs what is new.
    ///
    /// # Errors
    /// When the database fails. What was known stays.
    pub async fn load(&self, executor: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
        let map = ShardMap::read(executor).await?;
        for node in map.iter().flat_map(|map| &map.nodes) {
            self.connect(node).await;
        }
        let mut known = self.0.map.write().unwrap_or_else(PoisonError::into_inner);
        if let (None, Some(map)) = (&*known, &map) {
            let (nodes, shards) = (map.nodes.len(), map.shard_count());
            tracing::info!(nodes, shards, "the database is distributed by Citus");
        }
        *known = map;
        Ok(())
    }

    /// Whether the database is distributed.
    pub fn is_distributed(&self) -> bool {
        self.0.map.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Makes the pool of a node that has none, if the node can be reached from here. Logs a failure once.
    async fn connect(&self, node: &Node) {
        let known = self.pools().get(&node.id).filter(|known| known.node == *node).map(|known| known.pool.is_some());
        if known == Some(true) {
            return;
        }
        let pool = self.0.sessions.reach(node).await;
        if let (Err(error), None) = (&pool, known) {
            tracing::warn!(
                node = format!("{}:{}", node.host, node.port),
                error = error as &dyn std::error::Error,
                "a node cannot be reached from here: its payments are written through DATABASE_URL, which is slower"
            );
        }
        self.pools().insert(node.id, NodePool { node: node.clone(), pool: pool.ok() });
    }

    /// The node on which the payments of a connection are to be written; `None` for those that are written through
    /// `DATABASE_URL`.
    pub fn node_of(&self, connection: ConnectionId) -> Option<NodeId> {
        let node = self.0.map.read().unwrap_or_else(PoisonError::into_inner).as_ref()?.node_of(connection)?;
        self.pools().get(&node).filter(|known| known.pool.is_some()).map(|_| node)
    }

    /// The sessions of a node, and the node's clock.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the node has been removed.
    pub fn sessions(&self, node: NodeId) -> Result<(Pool, DatabaseClock), Error> {
        let pool = self.pools().get(&node).and_then(|known| known.pool.clone());
        pool.ok_or_else(|| Error::unavailable(sqlx::Error::Configuration("the node has been removed".into())))
    }

    fn pools(&self) -> MutexGuard<'_, HashMap<NodeId, NodePool>> {
        self.0.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for sessions in use to return, then closes all of them.
    pub async fn close(&self) {
        let pools = std::mem::take(&mut *self.pools());
        for (pool, _) in pools.into_values().filter_map(|known| known.pool) {
            pool.sqlx.close().await;
        }
    }
}

impl NodeSessions {
    /// A pool of sessions with a node, which is reached once.
    async fn reach(&self, node: &Node) -> Result<(Pool, DatabaseClock), sqlx::Error> {
        let wrong = |fault: &str| sqlx::Error::Configuration(fault.into());
        let connect = match &self.connect {
            connect if node.is_ours => connect.clone(),
            connect if node.host.starts_with('/') => connect.clone().socket(&node.host).port(node.port),
            connect if connect.get_socket().is_some() => {
                return Err(wrong("DATABASE_URL is a Unix socket, which leads to no other machine"));
            }
            connect => connect.clone().host(&node.host).port(node.port),
        };
        let clock = DatabaseClock::default();
        let options = clock.read_on_connect(pool_options(self.timeout, &clock).max_connections(self.count));
        let parameters: Vec<_> = self.parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let pool = Pool::new(self.pooling, options, connect, &[&parameters[..], &[ON_ONE_SESSION]].concat());
        if node.is_at(&mut *pool.sqlx.acquire().await?).await? {
            return Ok((pool, clock));
        }
        Err(wrong("its address leads to another node from here"))
    }
}
