//! Which node stores the payments of a connection.

use sqlx::{PgExecutor, Row};

use super::hash::hash_uuid;
use crate::domain::ConnectionId;

/// A node of a distributed database: a Postgres, with its standbys if it has any. Citus calls the number a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeId(i32);

/// A node, and where Citus reaches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub id: NodeId,
    /// A name, an address, or the folder of a Unix socket.
    pub host: String,
    pub port: u16,
    /// Whether it is the node that `DATABASE_URL` leads to.
    pub is_ours: bool,
}

/// The nodes, and which of them has which hashes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ShardMap {
    pub nodes: Vec<Node>,
    /// The lowest hash of each shard with its node, in ascending order. A shard ends where the next begins.
    shards: Vec<(i32, NodeId)>,
}

impl ShardMap {
    /// Reads it from the tables of Citus; `None` when the payments are not distributed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(executor: impl PgExecutor<'_>) -> Result<Option<Self>, sqlx::Error> {
        // Not prepared: a pooler may assign any session.
        let rows = sqlx::raw_sql(
            "select shardminvalue::integer as lowest, groupid, nodename, nodeport,
                    groupid = (select groupid from pg_dist_local_group) as is_ours
             from pg_dist_shard join pg_dist_placement using (shardid) join pg_dist_node using (groupid)
             where logicalrelid = 'payment'::regclass and noderole = 'primary' and shardminvalue is not null
             order by lowest",
        )
        .fetch_all(executor)
        .await;
        let rows = match rows {
            // undefined_table: there is no Citus.
            Err(sqlx::Error::Database(error)) if error.code().is_some_and(|code| code == "42P01") => return Ok(None),
            rows => rows?,
        };
        let mut map = Self::default();
        for row in rows {
            let node = Node {
                id: NodeId(row.try_get("groupid")?),
                host: row.try_get("nodename")?,
                port: u16::try_from(row.try_get::<i32, _>("nodeport")?).unwrap_or_default(),
                is_ours: row.try_get("is_ours")?,
            };
            map.shards.push((row.try_get("lowest")?, node.id));
            if !map.nodes.contains(&node) {
                map.nodes.push(node);
            }
        }
        Ok(Some(map).filter(|map| !map.shards.is_empty()))
    }

    /// The node that stores a connection's rows.
    pub fn node_of(&self, connection: ConnectionId) -> Option<NodeId> {
        let hash = hash_uuid(connection.0);
        let after = self.shards.partition_point(|(lowest, _)| *lowest <= hash);
        self.shards[..after].last().map(|(_, node)| *node)
    }

    /// How many shards there are.
    pub fn shard_count(&self) -> usize {
        self.shards.len()
    }
}

impl Node {
    /// Whether the session at `executor` leads to this node. A name such as `localhost` means another machine here than
    /// it does for Citus.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_at(&self, executor: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
        let row = sqlx::raw_sql("select groupid from pg_dist_local_group").fetch_one(executor).await?;
        Ok(NodeId(row.try_get(0)?) == self.id)
    }
}
