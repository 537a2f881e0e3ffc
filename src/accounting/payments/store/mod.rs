//! Payments in Postgres. Every function demands a scope, and every statement has its connection in the `where`.

mod insert;
mod page;
mod read;
mod rows;
mod select;

pub use insert::{Inserted, NewRow, insert};
pub use page::{Found, MOST_LOOKS, page};
pub use read::{find, find_claimed};
