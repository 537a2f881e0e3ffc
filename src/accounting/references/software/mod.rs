//! The accounting software behind a connection, as far as its payments need it.

mod store;

pub use store::software;

use serde_json::value::RawValue;

use crate::connectors::Provider;
use crate::domain::references::Resource;
use crate::domain::{Currency, ReferenceId, RemoteId};

/// The software behind a connection. Whether it can be reached is no part of it: a payment waits until it can.
#[derive(Debug, Clone)]
pub struct Software {
    /// The kind of software.
    pub provider: &'static dyn Provider,
    /// The company in it, where it has several.
    pub company: Option<RemoteId>,
    /// The base currency of its books, once a check has found it.
    pub base_currency: Option<Currency>,
    /// Whether this server may call it now. Nothing is called while a person has paused the connection, or while the
    /// software refuses its credentials.
    pub may_be_called: bool,
}

/// An object in the software that a payment refers to.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its id.
    pub id: ReferenceId,
    /// What it is.
    pub resource: Resource,
    /// Its id in the software.
    pub remote_id: RemoteId,
    /// Its members as they are answered.
    pub fields: Box<RawValue>,
    /// The software's own record.
    pub remote_data: Box<RawValue>,
}
