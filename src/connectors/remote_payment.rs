//! Payments as they are in the accounting software.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::value::RawValue;

use crate::domain::{Currency, MinorUnits, RemoteId};

/// A payment in the software.
#[derive(Debug, Clone)]
pub struct RemotePayment {
    /// Its id there.
    pub remote_id: RemoteId,
    /// When it last changed there, where the software says it.
    pub remote_updated_at: Option<DateTime<Utc>>,
    /// The software's own record, an object. Nothing secret is in it.
    pub data: Box<RawValue>,
    /// Its amount in minor units of `currency`.
    pub amount: MinorUnits,
    /// Its currency.
    pub currency: Currency,
    /// Its accounting date.
    pub date: NaiveDate,
    /// The software's ids of the invoices that it pays.
    pub invoices: Vec<RemoteId>,
    /// Whether it was cancelled or reversed.
    pub is_voided: bool,
    /// What a person should look at, although the payment was written: for example an invoice whose balance the software
    /// has got wrong.
    pub concern: Option<String>,
}

/// What a look-up by our key found.
#[derive(Debug, Clone)]
pub enum Found {
    /// Nothing.
    Absent,
    /// One payment, which may have been cancelled ([`RemotePayment::is_voided`]), and whether all its steps are done.
    One(Box<RemotePayment>),
    /// Our key on a payment that is only half written: [`super::Connector::create`] goes on with it.
    Unfinished,
    /// More than one.
    Many(Vec<RemoteId>),
}

/// What changes in the software when another attempt writes the payment first. Only its connector reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence(pub String);
