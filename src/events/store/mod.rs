//! The outbox and the feeds in the database.

mod announce;
mod created_connections;
mod expire;
mod expire_on_nodes;
mod read;
mod sequence;
mod sequence_on_nodes;

pub use announce::{announce, announce_connection, append};
pub use created_connections::created_connections;
pub use expire::{expire, projects};
pub use read::{find, first_since, is_expired, last_position, read};
pub use sequence::sequence;
