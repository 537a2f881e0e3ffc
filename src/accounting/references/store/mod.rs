//! References in Postgres. Every statement has its connection in the `where`. Only sync writes them.

mod freshness;
mod page;
mod read;
mod rows;
mod scan;

pub use freshness::last_synced_at;
pub use page::{ReferencePage, page};
pub use read::read;
pub use scan::{SCAN_LIMIT, Wanted};
