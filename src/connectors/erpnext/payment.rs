//! Payment Entries: how one is found, made and read.

use serde_json::json;
use serde_json::value::RawValue;

use super::auth::Site;
use super::prepare::PaymentEntry;
use super::record::Record;
use super::{KEY_FIELD, PAYMENT_ENTRY, id, ledger};
use crate::connectors::{Error, Fault, Found, PreparedWrite, RemotePayment};
use crate::domain::{Currency, RemoteId};

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
    let mut payment =
        payment(&document).ok_or_else(|| Error::Protocol("it is not a payment as we know it".to_owned()))?;
    let modified = Record::read(&document).and_then(|entry| entry.text("modified"));
    payment.remote_updated_at = site.moment(modified.as_deref()).await?;
    if !payment.is_voided && payment.concern.is_none() {
        payment.concern = ledger::difference(site, &payment.invoices).await?;
    }
    Ok(payment)
}

/// A Payment Entry as a payment. Its amount is that of the party's side.
fn payment(document: &RawValue) -> Option<RemotePayment> {
    let entry = Record::read(document)?;
    let (amount, currency) = match entry.text("payment_type")?.as_str() {
        "Receive" => ("paid_amount", "paid_from_account_currency"),
        "Pay" => ("received_amount", "paid_to_account_currency"),
        _ => return None,
    };
    let currency: Currency = entry.text(currency)?.parse().ok()?;
    let amount = entry.money(amount, Some(currency))?;
    let docstatus = entry.member("docstatus")?.get();
    let draft = || "the payment is a draft there, so nothing is booked yet".to_owned();
    Some(RemotePayment {
        remote_id: entry.text("name")?.parse().ok()?,
        remote_updated_at: None,
        data: document.to_owned(),
        amount,
        currency,
        date: entry.text("posting_date")?.parse().ok()?,
        invoices: invoices(&entry),
        is_voided: docstatus == "2",
        concern: (docstatus == "0").then(draft),
    })
}

/// The ids of the invoices in the references of a Payment Entry; orders and journal entries are left out.
fn invoices(entry: &Record<'_>) -> Vec<RemoteId> {
    let of = |reference: Record<'_>| {
        let (doctype, name) = (reference.text("reference_doctype")?, reference.text("reference_name")?);
        let is_invoice = matches!(doctype.as_str(), "Sales Invoice" | "Purchase Invoice");
        is_invoice.then(|| id::join(&doctype, &name))?
    };
    entry.records("references").into_iter().filter_map(of).collect()
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
            assert_eq!(payment.invoices.iter().map(RemoteId::as_str).collect::<Vec<_>>(), ["Sales Invoice/I-1"]);
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
