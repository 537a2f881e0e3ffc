//! Reads what payments refer to out of the accounting software: contacts, invoices, accounts and so on; then the
//! payments that the software has.
//!
//! A pull goes through the keys of all objects of each resource, page by page, in the order of the keys. Each page is
//! compared with what is stored in its range (`page.rs`): what is new or has another stamp is read and stored, what is
//! stored and has no key any more is gone. So a pull misses nothing that was committed before it began. One that asked
//! for what changed since the last would: the software's times of change are those at which its transactions began.
//!
//! A page is one transaction, which also stores how far the pull is. A pull that was cut off is continued there.

pub mod failure;
mod json;
mod now;
mod page;
mod payments;
mod pulled;
mod pulls;
mod references;
mod refresh;
mod run;
pub mod store;

pub use failure::Failure;
pub use now::{CannotPull, pull_now};
pub use pulled::Pulled;
pub use pulls::Pulls;
pub use refresh::refresh_invoices;
pub use run::{LEASE, pull};
pub use store::{Progress, Requested, connections, next_pull, progress, progress_of_many, request};
