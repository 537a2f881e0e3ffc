//! Payments as they are in the accounting software.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::value::RawValue;

use crate::domain::references::InvoiceKind;
use crate::domain::{Currency, ExchangeRate, MinorUnits, RemoteId, RemoteStatus, WriteKey};

/// A payment in the software.
#[derive(Debug, Clone)]
pub struct RemotePayment {
    /// Its id there.
    pub remote_id: RemoteId,
    /// When it last changed there, where the software says it.
    pub remote_updated_at: Option<DateTime<Utc>>,
    /// The software's own record, an object. Nothing secret is in it.
    pub data: Box<RawValue>,
    /// Our key, which says that this server wrote it.
    pub key: Option<WriteKey>,
    /// Whether customers pay or suppliers are paid, where the software says it.
    pub kind: Option<InvoiceKind>,
    /// Its amount in minor units of `currency`. Below zero when the money goes the other way: it is paid back.
    pub amount: MinorUnits,
    /// Its currency.
    pub currency: Currency,
    /// Units of the base currency for one unit of `currency`, as it was booked; `None` in the base currency.
    pub exchange_rate: Option<ExchangeRate>,
    /// Its accounting date.
    pub date: NaiveDate,
    /// The software's id of the account that the money goes to or comes from.
    pub account: Option<RemoteId>,
    /// The software's id of who pays or is paid.
    pub contact: Option<RemoteId>,
    /// The invoices that it pays, each once.
    pub allocations: Vec<RemoteAllocation>,
    /// Whether it was cancelled or reversed.
    pub is_voided: bool,
    /// What a person should look at, although the payment was written: for example an invoice whose balance the software
    /// has got wrong.
    pub concern: Option<String>,
}

/// An invoice that a payment in the software pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteAllocation {
    /// The software's id of the invoice.
    pub invoice: RemoteId,
    /// The part of the payment that goes to it, in minor units of the payment's currency, where the software says it.
    pub amount: Option<MinorUnits>,
}

impl RemotePayment {
    /// What that is here: `applied` or `voided`.
    #[must_use]
    pub fn status(&self) -> RemoteStatus {
        if self.is_voided { RemoteStatus::Voided } else { RemoteStatus::Applied }
    }

    /// The software's ids of the invoices that it pays.
    pub fn invoices(&self) -> impl Iterator<Item = &RemoteId> {
        self.allocations.iter().map(|allocation| &allocation.invoice)
    }
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
