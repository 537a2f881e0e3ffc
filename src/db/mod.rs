//! Postgres: how it is reached, brought up to date, and told apart when it fails.

mod connect;
mod error;
mod migrate;
pub mod private;

pub use connect::{Database, DatabaseOptions, PooledConnection};
pub use error::{Error, foreign, is_away};
pub use migrate::migrate;
