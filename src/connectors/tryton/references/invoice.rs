//! Invoices (`account.invoice`), to customers and from suppliers. A credit note has negative amounts.

use rust_decimal::Decimal as Number;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Code, Links};
use crate::connectors::json::{or_none, read as read_json, text_or_none};
use crate::connectors::tryton::values::{Date, Decimal, RATE_DIGITS, Stamped, Timestamp, newest};
use crate::connectors::{Error, Fields, RemoteObject};
use crate::domain::references::{Invoice, InvoiceKind, InvoiceLine, InvoiceStatus, Resource};
use crate::domain::{Currency, ExchangeRate, MinorUnits, Quantity, RemoteId};

pub const FIELDS: &[&str] = &[
    "_timestamp",
    "type",
    "number",
    "reference",
    "description",
    "state",
    "invoice_date",
    "accounting_date",
    "party",
    "company",
    "company.currency.code",
    "currency.code",
    "currency.digits",
    "untaxed_amount",
    "tax_amount",
    "total_amount",
    "amount_to_pay",
    "reconciled",
    "move.period",
    "lines_to_pay._timestamp",
    "lines_to_pay.maturity_date",
    "lines_to_pay.debit",
    "lines_to_pay.credit",
    "lines_to_pay.amount_second_currency",
    "payment_lines._timestamp",
    "lines.type",
    "lines.description",
    "lines.quantity",
    "lines.unit_price",
    "lines.amount",
    "lines.account",
    "lines.analytic_accounts.account",
];

/// What an entry, a reconciliation or a merge of parties changes does not move the invoice's own time of change.
pub const STAMP: &[&str] =
    &["_timestamp", "party", "lines._timestamp", "lines_to_pay._timestamp", "payment_lines._timestamp"];

#[derive(Deserialize)]
struct Record {
    id: i64,
    #[serde(rename = "_timestamp")]
    timestamp: Timestamp,
    #[serde(rename = "type", default, deserialize_with = "text_or_none")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "text_or_none")]
    number: Option<String>,
    #[serde(default, deserialize_with = "text_or_none")]
    reference: Option<String>,
    #[serde(default, deserialize_with = "text_or_none")]
    description: Option<String>,
    #[serde(default, deserialize_with = "text_or_none")]
    state: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    invoice_date: Option<Date>,
    #[serde(default, deserialize_with = "or_none")]
    party: Option<i64>,
    #[serde(rename = "company.", default, deserialize_with = "or_none")]
    company: Option<Company>,
    #[serde(rename = "currency.")]
    currency: Code,
    #[serde(default, deserialize_with = "or_none")]
    untaxed_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "or_none")]
    tax_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "or_none")]
    total_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "or_none")]
    amount_to_pay: Option<Decimal>,
    #[serde(default, deserialize_with = "or_none")]
    reconciled: Option<Date>,
    #[serde(rename = "move.", default, deserialize_with = "or_none")]
    entry: Option<Entry>,
    #[serde(rename = "lines_to_pay.", default)]
    lines_to_pay: Vec<LineToPay>,
    #[serde(rename = "payment_lines.", default)]
    payment_lines: Vec<Stamped>,
    #[serde(rename = "lines.", default)]
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Company {
    #[serde(rename = "currency.")]
    currency: Code,
}

#[derive(Deserialize)]
struct Entry {
    period: Option<i64>,
}

/// A line of the invoice's entry: a part that falls due on a day.
#[derive(Deserialize)]
struct LineToPay {
    #[serde(rename = "_timestamp")]
    timestamp: Timestamp,
    #[serde(default, deserialize_with = "or_none")]
    maturity_date: Option<Date>,
    #[serde(default, deserialize_with = "or_none")]
    debit: Option<Decimal>,
    #[serde(default, deserialize_with = "or_none")]
    credit: Option<Decimal>,
    #[serde(default, deserialize_with = "or_none")]
    amount_second_currency: Option<Decimal>,
}

#[derive(Deserialize)]
struct Line {
    id: i64,
    #[serde(rename = "type", default, deserialize_with = "text_or_none")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "text_or_none")]
    description: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    quantity: Option<Quantity>,
    #[serde(default, deserialize_with = "or_none")]
    unit_price: Option<Decimal>,
    #[serde(default, deserialize_with = "or_none")]
    amount: Option<Decimal>,
    #[serde(default, deserialize_with = "or_none")]
    account: Option<i64>,
    #[serde(rename = "analytic_accounts.", default)]
    analytic_accounts: Vec<AnalyticEntry>,
}

#[derive(Deserialize)]
struct AnalyticEntry {
    account: Option<i64>,
}

pub fn read(links: &Links, record: &RawValue) -> Result<RemoteObject, Error> {
    let invoice: Record = read_json(record.get().as_bytes())?;
    let currency: Option<Currency> = invoice.currency.code.parse().ok();
    let units =
        |amount: &Option<Decimal>| amount.as_ref().zip(currency).and_then(|(amount, of)| amount.minor_units(of));
    let (total_amount, to_pay) = (units(&invoice.total_amount), units(&invoice.amount_to_pay));
    let (status, balance) = status_and_balance(invoice.state.as_deref(), total_amount, to_pay);
    let line_items: Vec<_> = invoice.lines.iter().filter(|line| line.kind.as_deref() == Some("line")).collect();
    let line_items: Vec<_> = line_items.into_iter().map(|line| line_item(links, line, &units)).collect();
    let mut tracking_categories: Vec<_> =
        line_items.iter().flat_map(|line| line.tracking_categories.iter().copied()).collect();
    tracking_categories.sort_unstable_by_key(|id| id.0);
    tracking_categories.dedup();
    let stamps = invoice.lines_to_pay.iter().map(|line| &line.timestamp);
    let stamps = stamps.chain(invoice.payment_lines.iter().map(|line| &line.timestamp)).chain([&invoice.timestamp]);
    let remote_updated_at = newest(stamps);
    let due = invoice.lines_to_pay.iter().filter_map(|line| line.maturity_date.as_ref()?.accounting()).max();
    let is_bill = invoice.kind.as_deref() == Some("in");
    let fields = Invoice {
        kind: match invoice.kind.as_deref() {
            Some("out") => Some(InvoiceKind::AccountsReceivable),
            Some("in") => Some(InvoiceKind::AccountsPayable),
            _ => None,
        },
        exchange_rate: exchange_rate(&invoice),
        number: invoice.number,
        memo: if is_bill {
            invoice.reference.or(invoice.description)
        } else {
            invoice.description.or(invoice.reference)
        },
        issue_date: invoice.invoice_date.and_then(|date| date.accounting()),
        due_date: due,
        paid_on_date: invoice
            .reconciled
            .filter(|_| status == Some(InvoiceStatus::Paid))
            .and_then(|date| date.accounting()),
        contact_id: invoice.party.map(|party| links.to(Resource::Contact, party)),
        currency,
        sub_total: units(&invoice.untaxed_amount),
        total_discount: None,
        total_tax_amount: units(&invoice.tax_amount),
        total_amount,
        balance,
        status,
        accounting_period_id: invoice
            .entry
            .and_then(|entry| entry.period)
            .map(|period| links.to(Resource::AccountingPeriod, period)),
        tracking_categories,
        line_items,
    };
    Ok(RemoteObject {
        remote_id: RemoteId::from(invoice.id),
        fields: Fields::Invoice(Box::new(fields)),
        remote_data: record.to_owned(),
        remote_updated_at,
    })
}

/// Tryton says "paid" only when the last line is reconciled, and answers 0 to pay for all that is not posted.
fn status_and_balance(
    state: Option<&str>,
    total: Option<MinorUnits>,
    to_pay: Option<MinorUnits>,
) -> (Option<InvoiceStatus>, Option<MinorUnits>) {
    let zero = MinorUnits::try_from(0).ok();
    match state {
        Some("draft" | "validated") => (Some(InvoiceStatus::Draft), total),
        Some("cancelled") => (Some(InvoiceStatus::Void), zero),
        Some("paid") => (Some(InvoiceStatus::Paid), zero),
        Some("posted") if to_pay == zero => (Some(InvoiceStatus::Paid), zero),
        Some("posted") if to_pay == total => (Some(InvoiceStatus::Open), to_pay),
        Some("posted") => (Some(InvoiceStatus::PartiallyPaid), to_pay),
        _ => (None, None),
    }
}

/// The rate at which the invoice was booked; none for a draft in another currency.
fn exchange_rate(invoice: &Record) -> Option<ExchangeRate> {
    if invoice.company.as_ref()?.currency.code == invoice.currency.code {
        return "1".parse().ok();
    }
    let (mut base, mut foreign) = (Number::ZERO, Number::ZERO);
    for line in &invoice.lines_to_pay {
        let booked = line.debit.as_ref()?.number()?.checked_sub(line.credit.as_ref()?.number()?)?;
        base = base.checked_add(booked)?;
        foreign = foreign.checked_add(line.amount_second_currency.as_ref()?.number()?)?;
    }
    let rate = base.checked_div(foreign)?.round_dp(RATE_DIGITS).normalize();
    rate.to_string().parse().ok()
}

fn line_item(links: &Links, line: &Line, units: &dyn Fn(&Option<Decimal>) -> Option<MinorUnits>) -> InvoiceLine {
    let total_amount = units(&line.amount);
    let category = |entry: &AnalyticEntry| entry.account.map(|id| links.to(Resource::TrackingCategory, id));
    InvoiceLine {
        name: line.description.clone(),
        value: total_amount,
        remote_id: Some(line.id.to_string()),
        description: line.description.clone(),
        quantity: line.quantity,
        unit_price: units(&line.unit_price),
        total_amount,
        account_id: line.account.map(|account| links.to(Resource::Account, account)),
        tracking_categories: line.analytic_accounts.iter().filter_map(category).collect(),
    }
}
