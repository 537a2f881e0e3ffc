//! The Payment Entry that a payment becomes.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::amounts::{self, TOO_LARGE};
use super::id;
use super::record::Record;
use super::references::{PARTY_ACCOUNT, PARTY_ACCOUNT_CURRENCY};
use crate::connectors::{Allocation, Fault, PaymentOrder, PreparedWrite};
use crate::domain::references::InvoiceKind;
use crate::domain::{Currency, MinorUnits, Quantity, WriteKey};

/// A Payment Entry as it is sent.
#[derive(Debug, Serialize, Deserialize)]
pub struct PaymentEntry {
    /// 1: ERPNext submits it in the same request.
    docstatus: u8,
    payment_type: String,
    party_type: String,
    party: String,
    company: String,
    posting_date: NaiveDate,
    paid_from: String,
    paid_to: String,
    paid_amount: Quantity,
    received_amount: Quantity,
    /// Without them ERPNext looks into its own table of rates.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_exchange_rate: Option<Quantity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_exchange_rate: Option<Quantity>,
    reference_no: String,
    reference_date: NaiveDate,
    /// Our key.
    pub unified_key: String,
    references: Vec<Paid>,
}

/// An invoice that it pays.
#[derive(Debug, Serialize, Deserialize)]
struct Paid {
    reference_doctype: String,
    reference_name: String,
    allocated_amount: Quantity,
}

/// The party's side.
struct Party {
    is_customer: bool,
    name: String,
    account: String,
    currency: Option<Currency>,
}

pub fn prepare(order: &PaymentOrder, key: &WriteKey) -> Result<PreparedWrite, Vec<Fault>> {
    let amount = decimal(order.amount, order.digits);
    let mut faults = Vec::new();
    if amount >= TOO_LARGE.into() {
        faults.push(Fault::new("/total_amount", "out_of_range", "ERPNext takes amounts below 1,000,000,000,000"));
    }
    let party = party(order).map_err(|fault| faults.push(fault)).ok();
    let bank = Record::read(&order.account.remote_data);
    let company = bank.as_ref().and_then(|bank| bank.text("company"));
    let bank_currency = order.account.fields.currency;
    if !order.account.fields.is_payment_account || company.is_none() {
        let detail = "ERPNext books payments on accounts of the type Bank or Cash that are no groups";
        faults.push(Fault::new(&order.account.pointer, "not_a_payment_account", detail));
    }
    let amounts = party.as_ref().and_then(|party| {
        let amounts = amounts::of(order, amount, party.currency, bank_currency);
        amounts.map_err(|fault| faults.push(fault)).ok()
    });
    let (Some(party), Some(amounts), Some(company), true) = (party, amounts, company, faults.is_empty()) else {
        return Err(faults);
    };
    let bank_account = order.account.remote_id.as_str().to_owned();
    let party_side = (party.account, amount, amounts.party_rate);
    let bank_side = (bank_account, amounts.bank, amounts.bank_rate);
    let (from, to) = if party.is_customer { (party_side, bank_side) } else { (bank_side, party_side) };
    let entry = PaymentEntry {
        docstatus: 1,
        payment_type: if party.is_customer { "Receive" } else { "Pay" }.to_owned(),
        party_type: if party.is_customer { "Customer" } else { "Supplier" }.to_owned(),
        party: party.name,
        company,
        posting_date: order.date,
        paid_from: from.0,
        paid_to: to.0,
        paid_amount: Quantity(from.1),
        received_amount: Quantity(to.1),
        source_exchange_rate: from.2.map(Quantity),
        target_exchange_rate: to.2.map(Quantity),
        reference_no: key.as_str().to_owned(),
        reference_date: order.date,
        unified_key: key.as_str().to_owned(),
        references: order.allocations.iter().map(|allocation| paid(allocation, order.digits)).collect(),
    };
    let bytes = serde_json::to_vec(&entry).map_err(|error| vec![Fault::new("", "unwritable", error.to_string())])?;
    let invoices = order.allocations.iter().map(|allocation| allocation.invoice.remote_id.clone()).collect();
    Ok(PreparedWrite { bytes, invoices })
}

/// An amount in units of its currency, with all of its digits.
fn decimal(amount: MinorUnits, digits: u8) -> Decimal {
    Decimal::new(amount.get(), digits.into())
}

fn paid(allocation: &Allocation, digits: u8) -> Paid {
    let (doctype, name) = id::split(&allocation.invoice.remote_id);
    Paid {
        reference_doctype: doctype.to_owned(),
        reference_name: name.to_owned(),
        allocated_amount: Quantity(decimal(allocation.amount, digits)),
    }
}

/// The party of all invoices; without an invoice, the contact.
fn party(order: &PaymentOrder) -> Result<Party, Fault> {
    let mut found: Option<Party> = None;
    for Allocation { invoice, .. } in &order.allocations {
        let is_customer = invoice.fields.kind == Some(InvoiceKind::AccountsReceivable);
        let (party, account) = if is_customer { ("customer", "debit_to") } else { ("supplier", "credit_to") };
        let read = read_party(&invoice.remote_data, is_customer, party, account, "party_account_currency");
        let read = read.ok_or_else(|| not_read(&invoice.pointer, "its party and account"))?;
        if found.as_ref().is_some_and(|first| (&first.name, &first.account) != (&read.name, &read.account)) {
            let detail = "the invoices of one payment are of one party and booked on one account";
            return Err(Fault::new(&invoice.pointer, "mixed_invoices", detail));
        }
        found = Some(read);
    }
    if let Some(party) = found {
        return Ok(party);
    }
    let missing = "name an invoice, or the contact of a payment on account";
    let contact = order.contact.as_ref().ok_or_else(|| Fault::new("/contact_id", "required", missing))?;
    let is_customer = id::split(&contact.remote_id).0 == "Customer";
    let read = read_party(&contact.remote_data, is_customer, "name", PARTY_ACCOUNT, PARTY_ACCOUNT_CURRENCY);
    read.ok_or_else(|| not_read(&contact.pointer, "the account that it is booked on"))
}

fn read_party(data: &RawValue, is_customer: bool, name: &str, account: &str, currency: &str) -> Option<Party> {
    let data = Record::read(data)?;
    let currency = data.text(currency).and_then(|code| code.parse().ok());
    Some(Party { is_customer, name: data.text(name)?, account: data.text(account)?, currency })
}

fn not_read(pointer: &str, what: &str) -> Fault {
    Fault::new(pointer, "unknown_reference", format!("ERPNext did not say {what} when it was last read"))
}

impl PaymentEntry {
    /// What was prepared.
    pub fn read(write: &PreparedWrite) -> serde_json::Result<Self> {
        serde_json::from_slice(&write.bytes)
    }
}
