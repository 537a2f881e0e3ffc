//! Sales Invoices and Purchase Invoices. Their state is made of `docstatus` and amounts: `status` is not kept up by
//! ERPNext itself.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::pages::Kind;
use super::periods::FiscalYears;
use crate::connectors::erpnext::auth::Site;
use crate::connectors::erpnext::html::plain_text;
use crate::connectors::erpnext::id;
use crate::connectors::erpnext::record::{Record, minor_units};
use crate::connectors::json::with_member;
use crate::connectors::{Error, Fields, RemoteKey, RemoteObject};
use crate::domain::references::{Invoice, InvoiceKind, InvoiceLine, InvoiceStatus, Resource};
use crate::domain::{AccountingDate, Currency, MinorUnits, Quantity, ReferenceId};

/// What differs between the two kinds.
struct Words {
    doctype: &'static str,
    kind: InvoiceKind,
    party_type: &'static str,
    party: &'static str,
    account: &'static str,
    memo: &'static str,
    line_account: &'static str,
    stamp: &'static [&'static str],
}

const KINDS: [Words; 2] = [
    Words {
        doctype: "Sales Invoice",
        kind: InvoiceKind::AccountsReceivable,
        party_type: "Customer",
        party: "customer",
        account: "debit_to",
        memo: "po_no",
        line_account: "income_account",
        stamp: &["modified", "docstatus", "outstanding_amount", "customer", "debit_to", "cost_center", "project"],
    },
    Words {
        doctype: "Purchase Invoice",
        kind: InvoiceKind::AccountsPayable,
        party_type: "Supplier",
        party: "supplier",
        account: "credit_to",
        memo: "bill_no",
        line_account: "expense_account",
        stamp: &["modified", "docstatus", "outstanding_amount", "supplier", "credit_to", "cost_center", "project"],
    },
];

const COMMON: [&str; 24] = [
    "name",
    "company",
    "docstatus",
    "is_return",
    "return_against",
    "amended_from",
    "posting_date",
    "due_date",
    "currency",
    "conversion_rate",
    "party_account_currency",
    "net_total",
    "discount_amount",
    "total_taxes_and_charges",
    "grand_total",
    "rounded_total",
    "base_grand_total",
    "base_rounded_total",
    "disable_rounded_total",
    "outstanding_amount",
    "cost_center",
    "project",
    "creation",
    "modified",
];

/// Rows of another table, by the name of the invoice that they belong to.
type ByInvoice = BTreeMap<String, Vec<Box<RawValue>>>;

pub fn kinds(site: &Site) -> Result<[Kind; 2], Error> {
    let company = site.company()?;
    Ok(KINDS.map(|words| Kind {
        doctype: words.doctype,
        stamp: words.stamp,
        filters: json!([["company", "=", company]]),
    }))
}

pub async fn read(site: &Site, keys: &[RemoteKey]) -> Result<Vec<RemoteObject>, Error> {
    let years = FiscalYears::read(site).await?;
    let mut objects = Vec::new();
    for words in &KINDS {
        let ids = keys.iter().map(|key| id::split(&key.remote_id)).filter(|id| id.0 == words.doctype);
        let names: Vec<_> = ids.map(|id| id.1).collect();
        if names.is_empty() {
            continue;
        }
        let fields: Vec<_> = COMMON.iter().chain([&words.party, &words.account, &words.memo]).collect();
        let rows = site.list(json!({
            "doctype": words.doctype, "fields": fields, "filters": [["name", "in", names]], "order_by": "name asc",
            "limit_page_length": 0,
        }));
        let rows = rows.await?;
        let lines = lines(site, words, &names).await?;
        for row in &rows {
            let Some(row) = Record::read(row) else { continue };
            let Some(name) = row.text("name") else { continue };
            let Some(remote_id) = id::join(words.doctype, &name) else { continue };
            let lines = lines.get(&name).map(Vec::as_slice).unwrap_or_default();
            objects.push(RemoteObject {
                remote_id,
                fields: Fields::Invoice(Box::new(invoice(site, words, &row, lines, &years))),
                remote_data: with_member(row.raw, "items", &to_raw_value(lines).unwrap_or_default()),
                remote_updated_at: site.moment(row.text("modified").as_deref()).await?,
            });
        }
    }
    Ok(objects)
}

async fn lines(site: &Site, words: &Words, names: &[&str]) -> Result<ByInvoice, Error> {
    let mut fields = vec!["parent", "name", "idx", "item_code", "item_name", "description", "qty", "rate", "amount"];
    fields.extend([words.line_account, "cost_center", "project"]);
    let rows = site.list(json!({
        "doctype": format!("{} Item", words.doctype), "parent": words.doctype, "fields": fields,
        "filters": [["parent", "in", names]], "order_by": "parent asc, idx asc", "limit_page_length": 0,
    }));
    let mut lines = ByInvoice::new();
    for row in rows.await? {
        if let Some(parent) = Record::read(&row).and_then(|row| row.text("parent")) {
            lines.entry(parent).or_default().push(row);
        }
    }
    Ok(lines)
}

fn invoice(site: &Site, words: &Words, row: &Record<'_>, lines: &[Box<RawValue>], years: &FiscalYears) -> Invoice {
    let currency: Option<Currency> = row.text("currency").and_then(|code| code.parse().ok());
    let money = |name| row.money(name, currency);
    let date = |name| row.text(name).and_then(|text| text.parse().ok()).map(AccountingDate);
    let is_draft = row.member("docstatus").is_some_and(|status| status.get() == "0");
    let (status, balance) = state(row, currency);
    let lines: Vec<_> = lines.iter().filter_map(|line| Record::read(line)).collect();
    let mut categories = tracking(site, row);
    for category in lines.iter().flat_map(|line| tracking(site, line)) {
        if !categories.contains(&category) {
            categories.push(category);
        }
    }
    let issue_date = date("posting_date");
    Invoice {
        kind: Some(words.kind),
        number: row.text("name").filter(|_| !is_draft),
        memo: row.text(words.memo),
        issue_date,
        due_date: date("due_date"),
        paid_on_date: None,
        contact_id: row
            .text(words.party)
            .and_then(|name| id::join(words.party_type, &name))
            .map(|party| site.id(Resource::Contact, &party)),
        currency,
        exchange_rate: row.number("conversion_rate").and_then(|rate| rate.normalize().to_string().parse().ok()),
        sub_total: money("net_total"),
        total_discount: money("discount_amount"),
        total_tax_amount: money("total_taxes_and_charges"),
        total_amount: total(row, "rounded_total", "grand_total").and_then(|total| minor_units(total, currency)),
        balance,
        status,
        accounting_period_id: issue_date
            .and_then(|date| years.of(date.0))
            .map(|year| site.id(Resource::AccountingPeriod, year)),
        tracking_categories: categories,
        line_items: lines.iter().map(|line| invoice_line(site, words, line, currency)).collect(),
    }
}

/// Where an invoice is in its life, and what is still to be paid.
fn state(row: &Record<'_>, currency: Option<Currency>) -> (Option<InvoiceStatus>, Option<MinorUnits>) {
    let total = total(row, "rounded_total", "grand_total");
    match row.member("docstatus").map(RawValue::get) {
        Some("0") => return (Some(InvoiceStatus::Draft), total.and_then(|total| minor_units(total, currency))),
        Some("1") => {}
        // A cancelled invoice keeps the balance that it had.
        Some("2") => return (Some(InvoiceStatus::Void), MinorUnits::try_from(0).ok()),
        _ => return (None, None),
    }
    // What is due is in the currency of the account that it is booked on.
    let is_own_currency = row.text("party_account_currency") == row.text("currency");
    let booked = if is_own_currency { total } else { self::total(row, "base_rounded_total", "base_grand_total") };
    let (Some(due), Some(booked)) = (row.number("outstanding_amount"), booked) else { return (None, None) };
    if due.is_zero() {
        (Some(InvoiceStatus::Paid), MinorUnits::try_from(0).ok())
    } else if due == booked {
        (Some(InvoiceStatus::Open), total.and_then(|total| minor_units(total, currency)))
    } else {
        let status = if due.abs() < booked.abs() { InvoiceStatus::PartiallyPaid } else { InvoiceStatus::Open };
        // A part in another currency would have to be converted, and so rounded.
        (Some(status), is_own_currency.then(|| minor_units(due, currency)).flatten())
    }
}

/// What is to be paid: rounded to whole coins, where the site does that.
fn total(row: &Record<'_>, rounded: &str, exact: &str) -> Option<Decimal> {
    let rounded = row.number(rounded).filter(|total| !total.is_zero() && !row.is_set("disable_rounded_total"));
    rounded.or_else(|| row.number(exact))
}

fn invoice_line(site: &Site, words: &Words, line: &Record<'_>, currency: Option<Currency>) -> InvoiceLine {
    let description = line.text("description").map(|html| plain_text(&html)).filter(|text| !text.is_empty());
    let description = description.or_else(|| line.text("item_name"));
    let total_amount = line.money("amount", currency);
    InvoiceLine {
        name: description.clone(),
        value: total_amount,
        remote_id: line.text("name"),
        description,
        quantity: line.number("qty").map(Quantity),
        unit_price: line.money("rate", currency),
        total_amount,
        account_id: line
            .text(words.line_account)
            .and_then(|account| account.parse().ok())
            .map(|account| site.id(Resource::Account, &account)),
        tracking_categories: tracking(site, line),
    }
}

fn tracking(site: &Site, row: &Record<'_>) -> Vec<ReferenceId> {
    let of = |(doctype, field)| Some(site.id(Resource::TrackingCategory, &id::join(doctype, &row.text(field)?)?));
    [("Cost Center", "cost_center"), ("Project", "project")].into_iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state_of(row: &serde_json::Value) -> (Option<InvoiceStatus>, Option<i64>) {
        let row = to_raw_value(row).expect("JSON");
        let (status, balance) = state(&Record::read(&row).expect("an object"), "KWD".parse().ok());
        (status, balance.map(MinorUnits::get))
    }

    #[test]
    fn state_is_made_of_docstatus_and_what_is_due() {
        use InvoiceStatus::{Draft, Open, Paid, PartiallyPaid, Void};
        for (docstatus, due, expected) in [
            (0, 12, (Draft, Some(12_000))),
            (1, 12, (Open, Some(12_000))),
            (1, 5, (PartiallyPaid, Some(5_000))),
            (1, 0, (Paid, Some(0))),
            (1, -3, (PartiallyPaid, Some(-3_000))),
            (2, 5, (Void, Some(0))),
        ] {
            // What is to be paid is the rounded total.
            let row = json!({
                "docstatus": docstatus, "outstanding_amount": due, "grand_total": 12.34, "rounded_total": 12.0,
                "currency": "KWD", "party_account_currency": "KWD",
            });
            assert_eq!(state_of(&row), (Some(expected.0), expected.1), "{row}");
        }
        assert_eq!(state_of(&json!({"docstatus": "1"})), (None, None));
    }

    #[test]
    fn part_that_is_due_in_another_currency_is_no_balance() {
        for (due, expected) in [
            (25, (Some(InvoiceStatus::Open), Some(20_000))),
            (10, (Some(InvoiceStatus::PartiallyPaid), None)),
            (0, (Some(InvoiceStatus::Paid), Some(0))),
        ] {
            let row = json!({
                "docstatus": 1, "outstanding_amount": due, "grand_total": 20, "base_grand_total": 25,
                "currency": "KWD", "party_account_currency": "USD",
            });
            assert_eq!(state_of(&row), expected, "{due}");
        }
    }
}
