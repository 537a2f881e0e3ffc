//! Payments.
//!
//! `POST /accounting/payments` passes through these files in this order: [`create`] (the handler), [`body`] (reads the
//! JSON), [`payment`] (the type), [`mod@write`] (many payments in one commit), [`store`] (the SQL), [`view`] (the answer).

pub mod body;
mod bounds;
pub mod create;
pub mod error;
pub mod filter;
pub mod get;
pub mod list;
pub mod payment;
pub mod store;
pub mod view;
pub mod write;

pub use error::Error;
pub use payment::{LineItem, Payment, PaymentData};
pub use write::group_commit::GroupCommit;
