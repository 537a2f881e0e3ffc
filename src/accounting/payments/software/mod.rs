//! Payments of connections with accounting software behind them.
//!
//! [`check()`] puts a payment into the words of the software: `members.rs` checks what the software requires,
//! `allocations.rs` finds the invoices that are paid, `referred.rs` translates ids, and `order.rs` puts the parts
//! together. The create call does this only to find faults; `loader.rs` reads what many calls need. The job that sends the
//! payment does it again.

mod allocations;
mod calls;
mod check;
mod imported;
mod loader;
mod members;
mod order;
mod referred;
mod stored;
#[cfg(test)]
mod tests;
mod writes;

pub use calls::{Calls, Settled};
pub use check::{Checked, check};
pub use imported::ImportedPayment;
pub use members::members;
pub use stored::stored_order;
pub use writes::Writes;

pub use super::store::{import, void_imported};
