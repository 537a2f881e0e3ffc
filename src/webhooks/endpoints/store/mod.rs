//! Webhook endpoints in Postgres.

mod changes;
mod insert;
mod read;
mod row;
mod sealed;

pub use changes::{delete, disable, rotate, update};
pub use insert::{Inserted, connection_exists, insert};
pub use read::{active, find, list};
pub use sealed::sealing_heads;
