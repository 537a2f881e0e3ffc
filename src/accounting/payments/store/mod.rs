//! Payments in Postgres. Every function demands a scope, and every statement has its connection in the `where`.

mod budget;
mod claimed;
mod columns;
mod import;
mod insert;
mod insert_many;
mod insert_on_node;
mod insert_one;
mod inserted;
mod page;
mod read;
mod remote;
mod rows;
mod scan;

pub use budget::Budget;
pub use claimed::{find_claim, find_claimed};
pub use import::{import, void_imported};
pub use insert::insert;
pub use insert_on_node::insert_on_node;
pub use inserted::Inserted;
pub use page::{PaymentPage, page};
pub use read::{find, find_many};
pub use remote::{RemoteAttempt, RemoteWrite, remote_attempts, remote_status, remote_write};
pub use scan::SCAN_LIMIT;
