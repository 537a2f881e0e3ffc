//! The accounting software behind a connection, as far as its payments need it.

mod store;

pub use store::{referred, software};

use crate::connectors::Provider;
use crate::domain::{Currency, RemoteId};

/// The software behind a connection. Whether it can be reached is no part of it: a payment waits until it can.
#[derive(Debug, Clone)]
pub struct Software {
    /// The kind of software.
    pub provider: &'static dyn Provider,
    /// The company in it, where it has several.
    pub company: Option<RemoteId>,
    /// The base currency of its books, once a check has found it.
    pub base_currency: Option<Currency>,
}
