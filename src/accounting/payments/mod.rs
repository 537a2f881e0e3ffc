//! Payments.
//!
//! `POST /accounting/payments` goes through these files in this order: [`body`] (what the client means), [`payment`]
//! (its laws), [`create`] (the deed), [`store`] (kept), [`view`] (said).

pub mod body;
pub mod create;
pub mod error;
pub mod filter;
pub mod get;
pub mod list;
pub mod payment;
mod rows;
pub mod store;
pub mod view;

pub use error::Error;
pub use payment::{LineItem, NewPayment, Payment};
