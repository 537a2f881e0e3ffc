//! Which bytes a payment becomes.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::connectors::{Allocation, Error, Fault, PaymentOrder, PreparedWrite, decimal, json};
use crate::domain::references::InvoiceKind;
use crate::domain::{RemoteId, WriteKey};

/// What is sent, beside what Tryton itself makes up. The bytes of a [`PreparedWrite`].
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The description of the entry.
    pub key: String,
    pub company: i64,
    pub invoice: i64,
    pub payee: i64,
    /// A decimal in the invoice's currency.
    pub amount: String,
    pub currency: i64,
    /// The way of paying (`account.invoice.payment.method`).
    pub method: i64,
    pub date: NaiveDate,
}

impl Payment {
    /// The payment that was prepared.
    pub fn of(write: &PreparedWrite) -> Result<Self, Error> {
        json::read(&write.bytes)
    }
}

/// A way of paying (`account.invoice.payment.method`) that books on an account. The connector adds all of them to the
/// account's record when it reads it.
#[derive(Debug, Serialize, Deserialize)]
pub struct PaymentMethod {
    pub id: i64,
    pub name: String,
    /// The account that payments of customers go to.
    pub debit_account: Option<i64>,
    /// The account that payments to suppliers come from.
    pub credit_account: Option<i64>,
}

/// What a payment needs of an account's record.
#[derive(Deserialize)]
struct AccountRecord {
    #[serde(default)]
    payment_methods: Vec<PaymentMethod>,
}

/// What a payment needs of an invoice's record.
#[derive(Deserialize)]
struct InvoiceRecord {
    party: i64,
    company: i64,
    #[serde(rename = "currency.")]
    currency: CurrencyRecord,
}

#[derive(Deserialize)]
struct CurrencyRecord {
    id: i64,
    digits: u8,
}

/// The bytes that pay an invoice, or all reasons for which Tryton cannot.
pub fn prepare(order: &PaymentOrder, key: &WriteKey) -> Result<PreparedWrite, Vec<Fault>> {
    let mut faults = Vec::new();
    let (allocation, more) = match order.allocations.as_slice() {
        [] => return Err(vec![Fault::new("/invoice_id", "required", "Tryton books a payment only for an invoice")]),
        [first, more @ ..] => (first, more),
    };
    faults.extend(more.iter().map(|allocation| {
        let detail = "Tryton books a payment for one invoice only; send one for each";
        Fault::new(&allocation.invoice.pointer, UNSUPPORTED, detail)
    }));
    let invoice = invoice_record(order, allocation, &mut faults);
    let method = payment_method(order, allocation, &mut faults);
    let amount = decimal::text(order.amount, order.digits);
    if more.is_empty() && allocation.amount != order.amount {
        let detail = "Tryton books no payment of more than what it pays of the invoice";
        faults.push(Fault::new("/total_amount", UNSUPPORTED, detail));
    }
    match (invoice, method) {
        (Some((id, record)), Some(method)) if faults.is_empty() => {
            let payment = Payment {
                key: key.to_string(),
                company: record.company,
                invoice: id,
                payee: record.party,
                amount,
                currency: record.currency.id,
                method,
                date: order.date,
            };
            let bytes = serde_json::to_vec(&payment).expect("numbers and texts");
            Ok(PreparedWrite { bytes, invoices: vec![allocation.invoice.remote_id.clone()] })
        }
        _ => Err(faults),
    }
}

/// What this software cannot do, although others can.
const UNSUPPORTED: &str = "not_supported_by_software";

/// The invoice's id and record, if it can be paid like this.
fn invoice_record(
    order: &PaymentOrder,
    allocation: &Allocation,
    faults: &mut Vec<Fault>,
) -> Option<(i64, InvoiceRecord)> {
    let invoice = &allocation.invoice;
    let record = super::values::record_id(&invoice.remote_id).zip(serde_json::from_str(invoice.remote_data.get()).ok());
    let Some((id, record)): Option<(i64, InvoiceRecord)> = record else {
        let detail = "Tryton's record of the invoice is not as expected; it must be read again";
        faults.push(Fault::new(&invoice.pointer, "unknown_reference", detail));
        return None;
    };
    if let Some(currency) = invoice.fields.currency.filter(|currency| *currency != order.currency) {
        let detail = format!("Tryton pays an invoice in its own currency, and this one is in {}", currency.code());
        faults.push(Fault::new("/currency", UNSUPPORTED, detail));
    } else if decimal::minor_units(&decimal::text(order.amount, order.digits), record.currency.digits).is_none() {
        let detail = format!("Tryton keeps {} decimal digits of this currency", record.currency.digits);
        faults.push(Fault::new("/total_amount", UNSUPPORTED, detail));
    }
    // Tryton would add to what is owed.
    if invoice.fields.total_amount.is_some_and(|total| total.get() < 0) {
        faults.push(Fault::new(
            &invoice.pointer,
            UNSUPPORTED,
            "this is a credit note, and only an invoice can be paid",
        ));
    }
    if let Some(contact) = &order.contact
        && contact.remote_id != RemoteId::from(record.party)
    {
        let detail = "the invoice is of another contact";
        faults.push(Fault::new(&contact.pointer, "contradiction", detail));
    }
    Some((id, record))
}

/// The only method that books on the account.
fn payment_method(order: &PaymentOrder, allocation: &Allocation, faults: &mut Vec<Fault>) -> Option<i64> {
    let account = &order.account;
    let record: AccountRecord =
        serde_json::from_str(account.remote_data.get()).ok().unwrap_or(AccountRecord { payment_methods: Vec::new() });
    let id = super::values::record_id(&account.remote_id);
    let is_payable = allocation.invoice.fields.kind == Some(InvoiceKind::AccountsPayable);
    let books_here = |method: &&PaymentMethod| {
        id.is_some() && if is_payable { method.credit_account == id } else { method.debit_account == id }
    };
    let methods: Vec<_> = record.payment_methods.iter().filter(books_here).collect();
    if let [only] = methods.as_slice() {
        return Some(only.id);
    }
    let name = account.fields.name.as_deref().unwrap_or(account.remote_id.as_str());
    let detail = if methods.is_empty() {
        let kind = if is_payable { "payments to suppliers" } else { "payments of customers" };
        format!("no payment method of Tryton books {kind} on the account \"{name}\"")
    } else {
        let names: Vec<_> = methods.iter().map(|method| format!("\"{}\"", method.name)).collect();
        format!("several payment methods of Tryton book on the account \"{name}\": {}", names.join(", "))
    };
    let code = if methods.is_empty() { "no_payment_method" } else { "ambiguous_payment_method" };
    faults.push(Fault::new(&account.pointer, code, detail));
    None
}

#[cfg(test)]
mod tests;
