//! Payments.
//!
//! `POST /accounting/payments` goes through these files in this order: [`body`] (what the client means), [`payment`]
//! (its laws), [`create`] (the deed), [`group_commit`] and `writer` (together with others), [`store`] (kept), [`view`]
//! (said).

pub mod body;
mod bounds;
#[cfg(feature = "broken")]
mod broken;
pub mod create;
pub mod error;
pub mod filter;
pub mod get;
pub mod group_commit;
pub mod list;
pub mod payment;
pub mod store;
pub mod view;
mod writer;

pub use error::Error;
pub use group_commit::GroupCommit;
pub use payment::{LineItem, NewPayment, Payment};
