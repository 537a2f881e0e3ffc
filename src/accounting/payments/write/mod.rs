//! How new payments reach the database: many in one commit.

#[cfg(feature = "broken")]
mod broken;
pub mod group_commit;
mod writer;
