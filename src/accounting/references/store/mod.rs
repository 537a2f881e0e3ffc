//! References in Postgres. Every statement has its connection in the `where`. Only sync writes them.

mod find;
mod page;
mod rows;
mod scan;

pub use find::{find, read};
pub use page::{ReferencePage, page};
pub use scan::{SCAN_LIMIT, Wanted};
