//! References in Postgres. Every statement has its connection in the `where`. Only sync writes them.

mod find;
mod freshness;
mod page;
mod rows;
mod scan;

pub use find::{find, read};
pub use freshness::last_synced_at;
pub use page::{ReferencePage, page};
pub use scan::{SCAN_LIMIT, Wanted};
