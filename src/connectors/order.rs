//! A payment that is to be written into the accounting software.

use chrono::NaiveDate;
use serde_json::value::RawValue;

use crate::domain::references::{Account, Contact, Invoice};
use crate::domain::{Currency, ExchangeRate, MinorUnits, RemoteId};

/// An object that a payment refers to, as it was last read from the software.
#[derive(Debug, Clone)]
pub struct Referenced<T> {
    /// Where the body of the create call names it, a JSON pointer (RFC 6901).
    pub pointer: String,
    /// Its id in the software.
    pub remote_id: RemoteId,
    /// Its members.
    pub fields: T,
    /// The software's own record.
    pub remote_data: Box<RawValue>,
}

/// A payment in the words of the accounting software: every id is translated.
#[derive(Debug, Clone)]
pub struct PaymentOrder {
    /// The accounting date, as the client wrote it.
    pub date: NaiveDate,
    /// The amount in minor units of `currency`; above zero.
    pub amount: MinorUnits,
    /// The currency of the payment.
    pub currency: Currency,
    /// The digits of the currency's minor unit (ISO 4217).
    pub digits: u8,
    /// The invoices that are paid, each with its part of the amount; empty for a payment on account. Together they are
    /// at most the amount. All are of one kind and of one contact.
    pub allocations: Vec<Allocation>,
    /// The account of the books that the money goes to or comes from.
    pub account: Referenced<Account>,
    /// Who pays or is paid, where the client names it.
    pub contact: Option<Referenced<Contact>>,
    /// Units of the base currency for one unit of the payment's currency, as the client wrote it.
    pub exchange_rate: Option<ExchangeRate>,
    /// The base currency of the company's books, where it is known.
    pub base_currency: Option<Currency>,
    /// The id of the company in the software.
    pub company: Option<RemoteId>,
}

/// A part of a payment that goes to an invoice.
#[derive(Debug, Clone)]
pub struct Allocation {
    /// The invoice.
    pub invoice: Referenced<Invoice>,
    /// In minor units of the payment's currency; above zero.
    pub amount: MinorUnits,
}

/// What is sent to the software: stored before the first byte is sent, and never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedWrite {
    /// Only the connector that made them reads these bytes.
    pub bytes: Vec<u8>,
    /// The software's ids of the invoices that are paid: one write at a time for each.
    pub invoices: Vec<RemoteId>,
}
