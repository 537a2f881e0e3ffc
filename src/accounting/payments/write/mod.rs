//! How new payments reach the database: many in one commit.

pub mod group_commit;
pub mod queue;
mod queues;
mod replays;
mod writer;
