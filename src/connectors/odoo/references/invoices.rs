//! Invoices, bills and credit notes with their lines.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::{PAGE, booked_rate, key, linked, stamp, updated_at, with};
use crate::connectors::odoo::Books;
use crate::connectors::odoo::fields::INVOICE;
use crate::connectors::odoo::value::{Link, Maybe, Number, text};
use crate::connectors::{Error, Fields, KeyPage, RemoteKey, RemoteObject};
use crate::domain::references::{Invoice, InvoiceKind, InvoiceLine, InvoiceStatus, Resource};
use crate::domain::{AccountingDate, Currency, ExchangeRate, MinorUnits, Quantity, ReferenceId, RemoteId};

const MOVE: &str = "account.move";
const LINE: &str = "account.move.line";

const KINDS: [&str; 6] = ["out_invoice", "out_refund", "out_receipt", "in_invoice", "in_refund", "in_receipt"];

#[derive(Deserialize)]
struct Stamped {
    id: i64,
    write_date: String,
    state: String,
    payment_state: Maybe<String>,
    amount_residual: Number,
}

#[derive(Deserialize)]
struct Record {
    id: i64,
    name: Maybe<String>,
    move_type: String,
    state: String,
    payment_state: Maybe<String>,
    #[serde(rename = "ref")]
    reference: Maybe<String>,
    invoice_date: Maybe<NaiveDate>,
    invoice_date_due: Maybe<NaiveDate>,
    currency_id: Maybe<Link>,
    company_currency_id: Maybe<Link>,
    commercial_partner_id: Maybe<Link>,
    amount_untaxed: Number,
    amount_tax: Number,
    amount_total: Number,
    amount_residual: Number,
    amount_total_signed: Number,
}

#[derive(Deserialize)]
struct Line {
    id: i64,
    move_id: Link,
    name: Maybe<String>,
    quantity: Number,
    price_unit: Number,
    price_subtotal: Number,
    account_id: Maybe<Link>,
    /// Odoo 14: false for a line of the invoice with an amount. Odoo 19: `product` for it.
    display_type: Maybe<String>,
    /// Odoo 14: true for what is only in the journal entry.
    #[serde(default)]
    exclude_from_invoice_tab: bool,
    #[serde(default)]
    analytic_account_id: Maybe<Link>,
    /// Odoo 19: percentages by analytic accounts; an account of each plan, separated by commas.
    #[serde(default)]
    analytic_distribution: Maybe<HashMap<String, Box<RawValue>>>,
    #[serde(alias = "account_internal_type")]
    account_type: Maybe<String>,
    reconciled: bool,
    matched_debit_ids: Vec<i64>,
    matched_credit_ids: Vec<i64>,
}

impl Line {
    fn is_of_invoice(&self) -> bool {
        !self.exclude_from_invoice_tab && self.display_type.0.as_deref().is_none_or(|kind| kind == "product")
    }

    fn analytic_accounts(&self) -> Vec<i64> {
        let distributed = self.analytic_distribution.0.iter().flat_map(HashMap::keys);
        let mut ids: Vec<_> = distributed.flat_map(|key| key.split(',')).filter_map(|id| id.parse().ok()).collect();
        ids.extend(linked(&self.analytic_account_id));
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

impl Books {
    /// A page of the keys of invoices. Posting, payments and changes of lines move the stamp.
    pub(super) async fn invoice_keys(&self, after: Option<&RemoteKey>) -> Result<KeyPage, Error> {
        let mut domain = vec![json!(["move_type", "in", KINDS])];
        domain.extend(self.rpc.company().map(|company| json!(["company_id", "=", company])));
        let fields = ["write_date", "state", "payment_state", "amount_residual"];
        let (found, read_at) = self.page::<Stamped>(MOVE, after, domain, &fields).await?;
        let ids: Vec<_> = found.iter().map(|invoice| invoice.id).collect();
        let lines = self.newest(LINE, "move_id", json!([["move_id", "in", ids]])).await?;
        let is_last = found.len() < PAGE;
        let keys = found.into_iter().map(|invoice| {
            let (count, changed) = lines.get(&invoice.id).cloned().unwrap_or((0, invoice.write_date.clone()));
            let paid = invoice.payment_state.0.as_deref().unwrap_or_default();
            let parts = [&*invoice.state, paid, invoice.amount_residual.as_str(), &count.to_string()];
            key(invoice.id, stamp(&parts, &[&invoice.write_date, &changed], read_at))
        });
        Ok(KeyPage { keys: keys.collect(), is_last })
    }

    /// Invoices by their ids.
    pub(super) async fn invoices(&self, ids: &[i64]) -> Result<Vec<RemoteObject>, Error> {
        let fields = self.rpc.session().await?.fields;
        let found = self.search::<Record>(MOVE, json!([["id", "in", ids]]), INVOICE).await?;
        let mut lines: HashMap<i64, Vec<(Box<RawValue>, Line)>> = HashMap::new();
        for (data, line) in self.search::<Line>(LINE, json!([["move_id", "in", ids]]), fields.line).await? {
            lines.entry(line.move_id.id).or_default().push((data, line));
        }
        let matches = self.match_dates(lines.values().flatten().map(|(_, line)| line)).await?;
        let object = |(data, record): (Box<RawValue>, Record)| {
            let (records, lines): (Vec<_>, Vec<_>) = lines.remove(&record.id).unwrap_or_default().into_iter().unzip();
            let open_items = |line: &&Line| {
                let is_open_item = |kind: &String| fields.open_item_kinds.contains(&kind.as_str());
                !line.reconciled && line.account_type.0.as_ref().is_some_and(is_open_item)
            };
            let mut accounts: Vec<_> =
                lines.iter().filter(open_items).filter_map(|line| linked(&line.account_id)).collect();
            accounts.sort_unstable();
            accounts.dedup();
            let data = with(&data, "lines", &records)?;
            // A payment is prepared from this record alone, and is matched on this account.
            let data = with(&data, "open_item_accounts", &accounts)?;
            Ok(RemoteObject {
                remote_id: RemoteId::from(record.id),
                remote_updated_at: updated_at(&data),
                remote_data: data,
                fields: Fields::Invoice(Box::new(self.invoice_fields(&record, &lines, &matches))),
            })
        };
        found.into_iter().map(object).collect()
    }

    /// The dates of matches, by their ids.
    async fn match_dates(&self, lines: impl Iterator<Item = &Line> + Send) -> Result<HashMap<i64, NaiveDate>, Error> {
        #[derive(Deserialize)]
        struct Match {
            id: i64,
            max_date: Maybe<NaiveDate>,
        }
        let ids: Vec<_> =
            lines.flat_map(|line| line.matched_debit_ids.iter().chain(&line.matched_credit_ids)).copied().collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let found =
            self.search::<Match>("account.partial.reconcile", json!([["id", "in", ids]]), &["max_date"]).await?;
        Ok(found.into_iter().filter_map(|(_, found)| Some((found.id, found.max_date.0?))).collect())
    }

    fn invoice_fields(&self, record: &Record, lines: &[Line], matches: &HashMap<i64, NaiveDate>) -> Invoice {
        let currency = record.currency_id.0.as_ref().and_then(|currency| currency.name.parse::<Currency>().ok());
        let digits = currency.and_then(Currency::minor_units);
        let is_refund = record.move_type.ends_with("_refund");
        let amount = |number: &Number| digits.and_then(|digits| signed(number.minor_units(digits)?, is_refund));
        let status = status(record);
        let balance = if status == Some(InvoiceStatus::Void) { zero() } else { amount(&record.amount_residual) };
        let ids = lines.iter().flat_map(|line| line.matched_debit_ids.iter().chain(&line.matched_credit_ids));
        let paid_on = ids.filter_map(|id| matches.get(id)).max().filter(|_| status == Some(InvoiceStatus::Paid));
        let line_items: Vec<_> =
            lines.iter().filter(|line| line.is_of_invoice()).map(|line| self.line(line, &amount)).collect();
        let mut tracking_categories: Vec<ReferenceId> = Vec::new();
        for id in line_items.iter().flat_map(|line| &line.tracking_categories) {
            if !tracking_categories.contains(id) {
                tracking_categories.push(*id);
            }
        }
        Invoice {
            kind: Some(if record.move_type.starts_with("in_") {
                InvoiceKind::AccountsPayable
            } else {
                InvoiceKind::AccountsReceivable
            }),
            number: text(&record.name).filter(|number| number != "/"),
            memo: text(&record.reference),
            issue_date: record.invoice_date.0.map(AccountingDate),
            due_date: record.invoice_date_due.0.map(AccountingDate),
            paid_on_date: paid_on.copied().map(AccountingDate),
            contact_id: linked(&record.commercial_partner_id).map(|id| self.reference(Resource::Contact, id)),
            currency,
            exchange_rate: exchange_rate(record),
            sub_total: amount(&record.amount_untaxed),
            total_discount: None,
            total_tax_amount: amount(&record.amount_tax),
            total_amount: amount(&record.amount_total),
            balance,
            status,
            accounting_period_id: None,
            tracking_categories,
            line_items,
        }
    }

    fn line(&self, line: &Line, amount: &impl Fn(&Number) -> Option<MinorUnits>) -> InvoiceLine {
        let total = amount(&line.price_subtotal);
        InvoiceLine {
            name: text(&line.name),
            value: total,
            remote_id: Some(line.id.to_string()),
            description: text(&line.name),
            quantity: line.quantity.decimal().map(Quantity),
            unit_price: amount(&line.price_unit),
            total_amount: total,
            account_id: linked(&line.account_id).map(|id| self.reference(Resource::Account, id)),
            tracking_categories: line.analytic_accounts().into_iter().map(|id| self.analytic_account(id)).collect(),
        }
    }
}

fn zero() -> Option<MinorUnits> {
    MinorUnits::try_from(0).ok()
}

/// Odoo's credit notes have positive amounts, ours negative ones.
fn signed(amount: MinorUnits, is_refund: bool) -> Option<MinorUnits> {
    if is_refund { MinorUnits::try_from(-amount.get()).ok() } else { Some(amount) }
}

fn status(record: &Record) -> Option<InvoiceStatus> {
    match (record.state.as_str(), record.payment_state.0.as_deref()) {
        ("draft", _) => Some(InvoiceStatus::Draft),
        ("cancel", _) | ("posted", Some("reversed")) => Some(InvoiceStatus::Void),
        ("posted", Some("not_paid" | "blocked")) => Some(InvoiceStatus::Open),
        ("posted", Some("partial")) => Some(InvoiceStatus::PartiallyPaid),
        ("posted", Some("paid" | "in_payment")) => Some(InvoiceStatus::Paid),
        _ => None,
    }
}

/// The rate at which an invoice in another currency is in the books.
fn exchange_rate(record: &Record) -> Option<ExchangeRate> {
    if linked(&record.currency_id) == linked(&record.company_currency_id) {
        return None;
    }
    booked_rate(&record.amount_total_signed, &record.amount_total)?.to_string().parse().ok()
}
