//! Invoices to customers and bills of suppliers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{AccountingDate, Currency, ExchangeRate, MinorUnits, Quantity, ReferenceId};

/// Who owes whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InvoiceKind {
    /// An invoice to a customer.
    AccountsReceivable,
    /// A supplier's bill.
    AccountsPayable,
}

/// Where an invoice is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum InvoiceStatus {
    /// Not posted yet; it cannot be paid.
    Draft,
    /// Nothing is paid.
    Open,
    /// A part is paid.
    PartiallyPaid,
    /// Nothing is left to be paid.
    Paid,
    /// Cancelled, or taken back by a credit note.
    Void,
}

/// An invoice. Amounts are minor units of its currency; those of a credit note are negative.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Invoice {
    /// Who owes whom.
    #[serde(rename = "type")]
    pub kind: Option<InvoiceKind>,
    /// The number on it; null for a draft.
    #[schema(example = "INV/2026/00001")]
    pub number: Option<String>,
    /// The supplier's own number, or a note.
    pub memo: Option<String>,
    /// Its date.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub issue_date: Option<AccountingDate>,
    /// When it is to be paid.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_date: Option<AccountingDate>,
    /// When its last part was paid.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub paid_on_date: Option<AccountingDate>,
    /// Who is invoiced, or who invoices.
    #[schema(value_type = Option<Uuid>)]
    pub contact_id: Option<ReferenceId>,
    /// Its currency.
    #[schema(value_type = Option<String>, example = "USD")]
    pub currency: Option<Currency>,
    /// Units of the base currency for one unit of its currency.
    #[schema(value_type = Option<String>, example = "1.2")]
    pub exchange_rate: Option<ExchangeRate>,
    /// Without taxes.
    #[schema(value_type = Option<i64>)]
    pub sub_total: Option<MinorUnits>,
    /// What was taken off.
    #[schema(value_type = Option<i64>)]
    pub total_discount: Option<MinorUnits>,
    /// Its taxes.
    #[schema(value_type = Option<i64>)]
    pub total_tax_amount: Option<MinorUnits>,
    /// With taxes.
    #[schema(value_type = Option<i64>)]
    pub total_amount: Option<MinorUnits>,
    /// What is still to be paid.
    #[schema(value_type = Option<i64>)]
    pub balance: Option<MinorUnits>,
    /// Where it is in its life.
    pub status: Option<InvoiceStatus>,
    /// The accounting period that it falls into.
    #[schema(value_type = Option<Uuid>)]
    pub accounting_period_id: Option<ReferenceId>,
    /// Tracking categories of its lines.
    #[serde(default)]
    #[schema(value_type = Vec<Uuid>, required = true)]
    pub tracking_categories: Vec<ReferenceId>,
    /// Its lines.
    #[serde(default)]
    #[schema(required = true)]
    pub line_items: Vec<InvoiceLine>,
}

/// A line of an invoice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InvoiceLine {
    /// The same as `description`: existing client libraries read this name.
    pub name: Option<String>,
    /// The same as `total_amount`: existing client libraries read this name.
    #[schema(value_type = Option<i64>)]
    pub value: Option<MinorUnits>,
    /// Its id in the software.
    pub remote_id: Option<String>,
    /// What was sold or bought.
    pub description: Option<String>,
    /// How much of it.
    pub quantity: Option<Quantity>,
    /// The price of one; null where it is no whole number of minor units.
    #[schema(value_type = Option<i64>)]
    pub unit_price: Option<MinorUnits>,
    /// Without taxes.
    #[schema(value_type = Option<i64>)]
    pub total_amount: Option<MinorUnits>,
    /// The account that it is booked on.
    #[schema(value_type = Option<Uuid>)]
    pub account_id: Option<ReferenceId>,
    /// Its tracking categories.
    #[serde(default)]
    #[schema(value_type = Vec<Uuid>, required = true)]
    pub tracking_categories: Vec<ReferenceId>,
}
