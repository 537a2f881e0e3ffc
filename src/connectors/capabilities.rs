//! What accounting software can do, as data: validation and `GET /connections/capabilities` read the same table.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

/// How the software makes sure that a payment is written once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExactlyOnce {
    /// It refuses a second payment with our key.
    UniqueKey,
    /// It creates under an id of ours.
    ExternalId,
    /// It refuses a payment when the invoice changed since we looked.
    OptimisticLock,
}

/// A member of a payment that this software treats in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Member {
    /// Its name in the body of the create call.
    pub name: &'static str,
    /// Whether a payment without it is refused.
    pub required: bool,
    /// Whether the software has no place for it: a payment that has it gets a warning.
    pub ignored: bool,
    /// The most characters, where there is a limit.
    pub max_length: Option<u16>,
}

/// What a kind of software can do.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    /// How a payment is written once.
    pub exactly_once: ExactlyOnce,
    /// The members of a payment that are required, ignored or limited. All others are kept here and not sent.
    pub members: &'static [Member],
    /// Whether it takes payments of customers.
    pub customer_payments: bool,
    /// Whether it takes payments to suppliers.
    pub supplier_payments: bool,
    /// The most invoices of one payment.
    pub max_allocations: usize,
    /// Whether a payment without an invoice is taken.
    pub on_account: bool,
    /// Whether a payment may be larger than its allocations.
    pub partly_on_account: bool,
    /// Whether the caller's exchange rate is taken.
    pub takes_exchange_rate: bool,
    /// Whether payments that are made in the software itself are read, too.
    pub reads_payments: bool,
    /// The most writes of one connection at a time.
    #[serde(skip)]
    pub max_in_flight: u16,
    /// How long a call may take before its outcome counts as unknown.
    #[serde(skip)]
    pub timeout: Duration,
    /// Whether [`super::Connector::setup`] has work in a new customer's books.
    #[serde(skip)]
    pub needs_setup: bool,
}
