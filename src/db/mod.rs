//! Postgres: pools and sessions, statements and transactions, migrations, and the classes of its failures.

mod address;
mod citus;
mod clock;
mod database;
mod error;
mod executor;
mod facts;
mod fair_queue;
mod migrate;
mod migration_lock;
mod migration_run;
mod pool;
mod pooler;
mod pooler_check;
pub mod private;
mod progress;
mod readiness;
mod requirements;
mod schema;
mod statement;
mod tables;
mod transaction;
mod writer_pool;

pub use address::parse_url;
pub use citus::NodeId;
pub use clock::DatabaseClock;
pub use database::{Database, DatabaseOptions};
pub use error::{Error, corrupt_row, is_unavailable};
pub use migrate::{distribute, migrate, migrate_with};
pub use pool::PoolerMode;
pub use requirements::prepare;
pub use statement::Statement;
pub use tables::TABLES;
pub use transaction::Transaction;
pub use writer_pool::{WriterPool, WriterSession};
