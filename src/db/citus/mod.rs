//! A database that Citus has distributed over several nodes, by connection (`docs/scaling.md`).

mod distribute;
mod hash;
mod nodes;
mod shard_map;

pub(super) use distribute::{distribute, distribute_new_tables};
pub(super) use nodes::{NodeSessions, Nodes};
pub use shard_map::NodeId;
