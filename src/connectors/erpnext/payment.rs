//! Payment Entries: how one is found, made and read.

use rust_decimal::Decimal;
use serde_json::json;
use serde_json::value::RawValue;

use super::auth::Site;
use super::prepare::PaymentEntry;
use super::record::Record;
use super::{KEY_FIELD, PAYMENT_ENTRY, id, ledger};
use crate::connectors::{Error, Fault, Found, PreparedWrite, RemoteAllocation, RemotePayment};
use crate::domain::references::InvoiceKind;
use crate::domain::{Currency, MinorUnits, WriteKey};

/// Looks for our key. A cancelled payment keeps it, and the number of a deleted one is given to the next: so the key
/// says which payment is ours, and the name does not.
///
/// A payment that was made while the field was missing has the key in its reference only.
pub async fn find(site: &Site, write: &PreparedWrite) -> Result<Found, Error> {
    let key = entry(write)?.unified_key;
    let mut names = names(site, KEY_FIELD, &key).await.map_err(|error| match error {
        Error::Unsupported(detail) => {
            Error::Unsupported(format!("{detail} (without the field `{KEY_FIELD}`, `connection setup` helps)"))
        }
        error => error,
    })?;
    if names.is_empty() {
        names = self::names(site, "reference_no", &key).await?;
    }
    match names.as_slice() {
        [] => Ok(Found::Absent),
        [name] => match get(site, name).await? {
            Some(payment) => Ok(Found::One(Box::new(payment))),
            None => Err(Error::Conflict(format!("{name} was deleted while it was read"))),
        },
        names => Ok(Found::Many(names.iter().filter_map(|name| name.parse().ok()).collect())),
    }
}

/// The names of the payments that have our key in a field.
async fn names(site: &Site, field: &str, key: &str) -> Result<Vec<String>, Error> {
    let found = site.list(json!({
        "doctype": PAYMENT_ENTRY, "fields": ["name"], "filters": [[field, "=", key]], "order_by": "creation asc",
        "limit_page_length": 10,
    }));
    Ok(found.await?.iter().filter_map(|row| Record::read(row)?.text("name")).collect())
}

/// Sends what was prepared.
pub async fn create(site: &Site, write: &PreparedWrite) -> Result<RemotePayment, Error> {
    let document = match site.insert(PAYMENT_ENTRY, &write.bytes).await {
        Err(Error::Unauthorized(text)) => return Err(lacking_right(site, text).await?),
        document => document?,
    };
    let made = Record::read(&document);
    // A field that does not exist is ignored, and then nothing refuses a second payment.
    if made.and_then(|made| made.text(KEY_FIELD)) != Some(entry(write)?.unified_key) {
        return Err(Error::Protocol(format!("the payment that it made lacks our key in the field `{KEY_FIELD}`")));
    }
    read(site, document).await.map_err(Error::after_first_step)
}

/// Which right was lacking: the one to make payments at all, or one that only this payment needs, as an exchange gain
/// does.
async fn lacking_right(site: &Site, text: String) -> Result<Error, Error> {
    let may_pay = site.may(PAYMENT_ENTRY, "create").await? && site.may(PAYMENT_ENTRY, "submit").await?;
    let fault = || Fault::new("", "refused_by_software", &text);
    Ok(if may_pay { Error::Rejected(vec![fault()]) } else { Error::Unauthorized(text) })
}

/// A payment by its name.
pub async fn get(site: &Site, name: &str) -> Result<Option<RemotePayment>, Error> {
    match site.document(PAYMENT_ENTRY, name).await? {
        Some(document) => read(site, document).await.map(Some),
        None => Ok(None),
    }
}

fn entry(write: &PreparedWrite) -> Result<PaymentEntry, Error> {
    PaymentEntry::read(write).map_err(|error| Error::Protocol(format!("what was prepared cannot be read: {error}")))
}

async fn read(site: &Site, document: Box<RawValue>) -> Result<RemotePayment, Error> {
    let payment = of_document(site, &document).await?;
    let mut payment = payment.ok_or_else(|| Error::Protocol("it is not a payment as we know it".to_owned()))?;
    if !payment.is_voided && payment.concern.is_none() {
        let invoices: Vec<_> = payment.invoices().cloned().collect();
        payment.concern = ledger::difference(site, &invoices).await?;
    }
    Ok(payment)
}

/// A document as a payment, with the time of its change; `None` when it is none as we know it.
pub async fn of_document(site: &Site, document: &RawValue) -> Result<Option<RemotePayment>, Error> {
    let Some(mut payment) = payment(document) else { return Ok(None) };
    let modified = Record::read(document).and_then(|entry| entry.text("modified"));
    payment.remote_updated_at = site.moment(modified.as_deref()).await?;
    Ok(Some(payment))
}

/// What a Payment Entry calls the two sides.
struct Sides {
    is_received: bool,
    amount: &'static str,
    currency: &'static str,
    rate: &'static str,
    money: &'static str,
}

const RECEIVED: Sides = Sides {
    is_received: true,
    amount: "paid_amount",
    currency: "paid_from_account_currency",
    rate: "source_exchange_rate",
    money: "paid_to",
};

const PAID: Sides = Sides {
    is_received: false,
    amount: "received_amount",
    currency: "paid_to_account_currency",
    rate: "target_exchange_rate",
    money: "paid_from",
};

/// A Payment Entry as a payment. Its amount is that of the party's side.
fn payment(document: &RawValue) -> Option<RemotePayment> {
    let entry = Record::read(document)?;
    let sides = match entry.text("payment_type")?.as_str() {
        "Receive" => RECEIVED,
        "Pay" => PAID,
        _ => return None,
    };
    let currency: Currency = entry.text(sides.currency)?.parse().ok()?;
    let party_type = entry.text("party_type");
    let kind = match party_type.as_deref() {
        Some("Customer") => Some(InvoiceKind::AccountsReceivable),
        Some("Supplier") => Some(InvoiceKind::AccountsPayable),
        _ => None,
    };
    let is_refund = kind.is_some_and(|kind| sides.is_received != (kind == InvoiceKind::AccountsReceivable));
    let signed = |amount: MinorUnits| if is_refund { MinorUnits::try_from(-amount.get()).ok() } else { Some(amount) };
    let contact = party_type.zip(entry.text("party")).and_then(|(kind, name)| id::join(&kind, &name));
    // ERPNext writes 1 in the base currency.
    let rate = entry.number(sides.rate).map(|rate| rate.normalize()).filter(|rate| *rate != Decimal::ONE);
    let docstatus = entry.member("docstatus")?.get();
    let draft = || "the payment is a draft there, so nothing is booked yet".to_owned();
    Some(RemotePayment {
        remote_id: entry.text("name")?.parse().ok()?,
        remote_updated_at: None,
        data: document.to_owned(),
        key: [KEY_FIELD, "reference_no"].iter().find_map(|field| WriteKey::find(&entry.text(field)?)),
        kind,
        amount: signed(entry.money(sides.amount, Some(currency))?)?,
        currency,
        exchange_rate: rate.and_then(|rate| rate.to_string().parse().ok()),
        date: entry.text("posting_date")?.parse().ok()?,
        account: entry.text(sides.money).and_then(|name| name.parse().ok()),
        contact,
        allocations: allocations(&entry, currency, &signed),
        is_voided: docstatus == "2",
        concern: (docstatus == "0").then(draft),
    })
}

/// The invoices in the references of a Payment Entry; orders and journal entries are left out. An invoice with several
/// terms of payment has a reference for each.
fn allocations(
    entry: &Record<'_>,
    currency: Currency,
    signed: &impl Fn(MinorUnits) -> Option<MinorUnits>,
) -> Vec<RemoteAllocation> {
    let mut allocations: Vec<RemoteAllocation> = Vec::new();
    for reference in entry.records("references") {
        let of_kind = |kind: &String| matches!(kind.as_str(), "Sales Invoice" | "Purchase Invoice");
        let kind = reference.text("reference_doctype").filter(of_kind);
        let invoice = kind.zip(reference.text("reference_name")).and_then(|(kind, name)| id::join(&kind, &name));
        let Some(invoice) = invoice else { continue };
        let amount = reference.money("allocated_amount", Some(currency)).and_then(signed);
        match allocations.iter_mut().find(|allocation| allocation.invoice == invoice) {
            Some(same) => {
                let sum = same.amount.zip(amount).and_then(|(one, other)| one.get().checked_add(other.get()));
                same.amount = sum.and_then(|sum| sum.try_into().ok());
            }
            None => allocations.push(RemoteAllocation { invoice, amount }),
        }
    }
    allocations
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(payment_type: &str, docstatus: u8) -> Option<RemotePayment> {
        let document = json!({
            "name": "P-1", "docstatus": docstatus, "payment_type": payment_type, "posting_date": "2026-11-26",
            "paid_amount": 1, "paid_from_account_currency": "EUR", "received_amount": 2,
            "paid_to_account_currency": "USD", "references": [
                {"reference_doctype": "Sales Invoice", "reference_name": "I-1"},
                {"reference_doctype": "Sales Order", "reference_name": "O-1"}, null,
            ],
        });
        payment(&serde_json::value::to_raw_value(&document).expect("JSON"))
    }

    #[test]
    fn amount_is_that_of_the_party_and_only_invoices_are_paid() {
        for (payment_type, amount, currency) in [("Receive", 100, "EUR"), ("Pay", 200, "USD")] {
            let payment = read(payment_type, 1).expect(payment_type);
            assert_eq!((payment.amount.get(), payment.currency.code()), (amount, currency));
            let paid: Vec<_> = payment.invoices().map(crate::domain::RemoteId::as_str).collect();
            assert_eq!(paid, ["Sales Invoice/I-1"]);
        }
        assert!(read("Internal Transfer", 1).is_none());
    }

    #[test]
    fn docstatus_says_whether_it_is_a_draft_booked_or_voided() {
        let states = [0, 1, 2].map(|docstatus| read("Pay", docstatus).map(|p| (p.is_voided, p.concern.is_some())));
        assert_eq!(states, [Some((false, true)), Some((false, false)), Some((true, false))]);
    }

    proptest! {
        #[test]
        fn no_document_panics(member in "(payment_type|paid_amount|docstatus|references|posting_date)", value in "\\PC*") {
            let document = format!(
                r#"{{"name":"P","payment_type":"Pay","paid_to_account_currency":"USD","received_amount":1,"{member}":{value}}}"#
            );
            if let Ok(document) = serde_json::from_str::<&RawValue>(&document) {
                let _ = payment(document);
            }
        }
    }
}
