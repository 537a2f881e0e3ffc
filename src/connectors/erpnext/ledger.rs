//! The balance of an invoice, compared with the ledger.
//!
//! ERPNext stores what is due on the invoice itself. Two payments at the same time can leave a wrong figure there for
//! good; the Payment Ledger Entries below it are right.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::json;

use super::auth::Site;
use super::id;
use super::record::Record;
use crate::connectors::Error;
use crate::domain::RemoteId;

/// Places after which a difference is noise: sums come as binary floats.
const PLACES: u32 = 6;

/// What is due on invoices, by `DocType/name`.
type Due = BTreeMap<String, Decimal>;

/// The first invoice whose balance is not what its ledger says, or is paid too much, in a sentence; `None` when all
/// are right.
pub async fn difference(site: &Site, invoices: &[RemoteId]) -> Result<Option<String>, Error> {
    if invoices.is_empty() {
        return Ok(None);
    }
    let mut found = compare(site, invoices).await?;
    if found.is_some() {
        // The two were read one after the other, and a payment may have come between.
        found = compare(site, invoices).await?;
    }
    Ok(found)
}

async fn compare(site: &Site, invoices: &[RemoteId]) -> Result<Option<String>, Error> {
    let (stored, booked) = (stored(site, invoices).await?, booked(site, invoices).await?);
    let Some(booked) = booked else {
        return Ok(Some("the ledger may not be read, so the balances of the invoices were not compared".to_owned()));
    };
    Ok(invoices.iter().find_map(|invoice| {
        let stored = *stored.get(invoice.as_str())?;
        let booked = booked.get(invoice.as_str()).copied().unwrap_or_default();
        if stored != booked {
            Some(format!("ERPNext shows {stored} as due on {invoice}, but its ledger has {booked}"))
        } else if booked.is_sign_negative() && !booked.is_zero() {
            Some(format!("{invoice} is paid {} too much", -booked))
        } else {
            None
        }
    }))
}

/// What the invoices themselves say.
async fn stored(site: &Site, invoices: &[RemoteId]) -> Result<Due, Error> {
    let mut due = Due::new();
    for doctype in ["Sales Invoice", "Purchase Invoice"] {
        let names: Vec<_> = invoices.iter().map(id::split).filter(|id| id.0 == doctype).map(|id| id.1).collect();
        if names.is_empty() {
            continue;
        }
        let rows = site.list(json!({
            "doctype": doctype, "fields": ["name", "outstanding_amount"], "filters": [["name", "in", names]],
            "order_by": "name asc", "limit_page_length": 0,
        }));
        for row in rows.await? {
            let Some(row) = Record::read(&row) else { continue };
            if let (Some(name), Some(amount)) = (row.text("name"), amount(&row, "outstanding_amount")) {
                due.insert(format!("{doctype}/{name}"), amount);
            }
        }
    }
    Ok(due)
}

/// What the ledger says; `None` when the user may not read it.
async fn booked(site: &Site, invoices: &[RemoteId]) -> Result<Option<Due>, Error> {
    let names: Vec<_> = invoices.iter().map(|invoice| id::split(invoice).1).collect();
    let rows = site.list_if_allowed(json!({
        "doctype": "Payment Ledger Entry",
        "fields": ["against_voucher_type", "against_voucher_no", "sum(amount_in_account_currency) as due"],
        "filters": [["delinked", "=", 0], ["against_voucher_no", "in", names]],
        "group_by": "against_voucher_type, against_voucher_no", "order_by": "against_voucher_no asc",
        "limit_page_length": 0,
    }));
    let Some(rows) = rows.await? else { return Ok(None) };
    let of = |row: &Record<'_>| {
        let voucher = format!("{}/{}", row.text("against_voucher_type")?, row.text("against_voucher_no")?);
        Some((voucher, amount(row, "due")?))
    };
    Ok(Some(rows.iter().filter_map(|row| of(&Record::read(row)?)).collect()))
}

fn amount(row: &Record<'_>, name: &str) -> Option<Decimal> {
    Some(row.number(name)?.round_dp(PLACES))
}
