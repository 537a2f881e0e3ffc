//! Postgres: how it is reached, brought up to date, and told apart when it fails.

mod address;
mod clock;
mod connect;
mod connections;
mod error;
mod executor;
mod facts;
mod migrate;
mod migration_lock;
mod migration_run;
mod pooler;
pub mod private;
mod readiness;
mod requirements;
mod turns;
mod unit_of_work;

pub use address::parse_url;
pub use clock::DatabaseClock;
pub use connect::{Database, DatabaseOptions};
pub use connections::Pooling;
pub use error::{Error, foreign, is_away};
pub use migrate::{migrate, migrate_with};
pub use requirements::{TABLES, prepare};
pub use turns::Turn;
pub use unit_of_work::{KeptConnection, UnitOfWork};
