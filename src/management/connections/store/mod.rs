//! Connections in Postgres, and the software behind them.

mod connections;
mod health;
mod software;

pub(super) use connections::insert;
pub use connections::{find, list, revoke};
pub use health::{Record, record_health};
pub(super) use software::insert as insert_software;
pub use software::software;
