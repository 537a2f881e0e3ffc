//! Postgres: how it is reached, brought up to date, and told apart when it fails.

mod address;
mod clock;
mod database;
mod error;
mod executor;
mod facts;
mod migrate;
mod migration_lock;
mod migration_run;
mod pool;
mod pooler;
mod pooler_check;
pub mod private;
mod readiness;
mod requirements;
mod schema;
mod statement;
mod turns;

pub use address::parse_url;
pub use clock::DatabaseClock;
pub use database::{Database, DatabaseOptions};
pub use error::{Error, foreign, is_unavailable};
pub use migrate::{migrate, migrate_with};
pub use pool::PoolerMode;
pub use requirements::{TABLES, prepare};
pub use statement::{Statement, WriterSession};
pub use turns::Turn;
