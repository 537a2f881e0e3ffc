//! Payments as they are in Odoo.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use super::Books;
use super::matches::{Item, Matches};
use super::references::{booked_rate, with};
use super::value::{Link, Maybe, Number, moment};
use crate::connectors::{Error, RemotePayment};
use crate::domain::references::InvoiceKind;
use crate::domain::{Currency, MinorUnits, RemoteId};

/// The model of payments.
pub const PAYMENT: &str = "account.payment";

#[derive(Deserialize)]
struct Record {
    id: i64,
    state: String,
    payment_type: String,
    partner_type: Maybe<String>,
    partner_id: Maybe<Link>,
    amount: Number,
    currency_id: Link,
    date: NaiveDate,
    move_id: Maybe<Link>,
    write_date: Maybe<String>,
    company_currency_id: Maybe<Link>,
    /// In the company's currency; Odoo 19 has another name for it.
    #[serde(default, alias = "amount_company_currency_signed")]
    amount_total_signed: Maybe<Number>,
}

/// An invoice that is paid, in the record of the payment.
#[derive(Serialize)]
struct Paid<'a> {
    invoice: &'a RemoteId,
    /// In minor units.
    amount: Option<MinorUnits>,
}

#[derive(Deserialize)]
struct Entry {
    id: i64,
    date: NaiveDate,
    reversed_entry_id: Maybe<Link>,
}

/// The journal entries of payments.
struct Entries {
    dates: HashMap<i64, NaiveDate>,
    /// Those that another entry reverses.
    reversed: HashSet<i64>,
}

/// A payment in Odoo.
pub struct Seen {
    /// As it is handed on.
    pub payment: RemotePayment,
    /// Whether it is not posted yet.
    pub is_draft: bool,
    /// The digits of its currency's minor unit.
    pub digits: u8,
    /// Its open item that is not matched in full.
    pub open: Option<Item>,
}

impl Books {
    /// Reads a payment and what belongs to it.
    pub async fn see(&self, id: i64) -> Result<Option<Seen>, Error> {
        self.see_all(&[id]).await?.pop().transpose()
    }

    /// Reads payments and what belongs to them, in the order of their ids. One that cannot be read is an error of its own.
    pub async fn see_all(&self, ids: &[i64]) -> Result<Vec<Result<Seen, Error>>, Error> {
        let fields = self.rpc.session().await?.fields;
        let found = self.search::<Record>(PAYMENT, json!([["id", "in", ids]]), fields.payment).await?;
        let kinds = json!([["payment_id", "in", ids], [fields.item_kind, "in", fields.open_item_kinds]]);
        let of_item = ["payment_id", "reconciled", "amount_residual_currency"];
        let items = self.search::<Item>("account.move.line", kinds, &of_item).await?;
        let mut items: Vec<_> = items.into_iter().map(|(_, item)| item).collect();
        let matches = self.matches(&items).await?;
        let moves: Vec<_> = found.iter().filter_map(|(_, record)| Some(record.move_id.0.as_ref()?.id)).collect();
        let entries = self.entries(&moves).await?;
        items.retain(|item| !item.reconciled);
        let mut open: HashMap<_, _> = items.into_iter().rev().map(|item| (item.payment_id.id, item)).collect();
        let seen = |(data, record): (Box<RawValue>, Record)| {
            let open = open.remove(&record.id);
            seen(&data, record, open, &matches, &entries)
        };
        Ok(found.into_iter().map(seen).collect())
    }

    async fn entries(&self, moves: &[i64]) -> Result<Entries, Error> {
        let own_or_reversing =
            json!(["|", ["id", "in", moves], "&", ["reversed_entry_id", "in", moves], ["state", "=", "posted"]]);
        let found = self.search::<Entry>("account.move", own_or_reversing, &["date", "reversed_entry_id"]).await?;
        let entries: Vec<_> = found.into_iter().map(|(_, entry)| entry).collect();
        let is_own = |entry: &&Entry| moves.contains(&entry.id);
        Ok(Entries {
            dates: entries.iter().filter(is_own).map(|entry| (entry.id, entry.date)).collect(),
            reversed: entries
                .iter()
                .filter(|entry| !is_own(entry))
                .filter_map(|entry| Some(entry.reversed_entry_id.0.as_ref()?.id))
                .collect(),
        })
    }

    /// Which of these journal entries another one reverses.
    pub(super) async fn reversed(&self, moves: &[i64]) -> Result<HashSet<i64>, Error> {
        Ok(self.entries(moves).await?.reversed)
    }
}

fn seen(
    data: &RawValue,
    record: Record,
    open: Option<Item>,
    matches: &Matches,
    entries: &Entries,
) -> Result<Seen, Error> {
    let id = record.id;
    let unreadable = |what: &str| Error::Protocol(format!("payment {id} has {what}"));
    let currency: Currency = record.currency_id.name.parse().map_err(|_| unreadable("an unknown currency"))?;
    let digits = currency.minor_units().unwrap_or_default();
    let amount = record.amount.minor_units(digits).ok_or_else(|| unreadable("parts of a minor unit"))?;
    let is_draft = match record.state.as_str() {
        "draft" => true,
        "posted" | "in_process" | "paid" | "cancel" | "canceled" | "rejected" => false,
        state => return Err(unreadable(&format!("the unknown state {state}"))),
    };
    let is_cancelled = matches!(record.state.as_str(), "cancel" | "canceled" | "rejected");
    let entry = record.move_id.0.as_ref().map(|entry| entry.id);
    // Odoo 19 books into the next open period when that of the payment is locked.
    let booked = entry.and_then(|entry| entries.dates.get(&entry));
    let moved = booked.filter(|booked| **booked != record.date && !is_draft);
    let concern = moved.map(|booked| format!("Odoo booked it on {booked}: its own date is locked"));
    let kind = match record.partner_type.0.as_deref() {
        Some("customer") => Some(InvoiceKind::AccountsReceivable),
        Some("supplier") => Some(InvoiceKind::AccountsPayable),
        _ => None,
    };
    let is_refund = matches!(
        (kind, record.payment_type.as_str()),
        (Some(InvoiceKind::AccountsReceivable), "outbound") | (Some(InvoiceKind::AccountsPayable), "inbound")
    );
    let amount = if is_refund { MinorUnits::try_from(-amount.get()) } else { Ok(amount) };
    let allocations = matches.allocations(id, digits, is_refund);
    let paid: Vec<_> = allocations.iter().map(|part| Paid { invoice: &part.invoice, amount: part.amount }).collect();
    let is_base = record.company_currency_id.0.as_ref().is_none_or(|base| base.id == record.currency_id.id);
    let base_amount = record.amount_total_signed.0.as_ref().filter(|_| !is_base);
    let exchange_rate = base_amount.and_then(|base| booked_rate(base, &record.amount)?.to_string().parse().ok());
    let payment = RemotePayment {
        remote_id: RemoteId::from(id),
        remote_updated_at: record.write_date.0.as_deref().and_then(moment),
        data: with(data, "paid_invoices", &paid)?,
        key: None,
        kind,
        amount: amount.map_err(|_| unreadable("an amount that is too large"))?,
        currency,
        exchange_rate,
        date: record.date,
        account: None,
        contact: record.partner_id.0.map(|partner| RemoteId::from(partner.id)),
        allocations,
        is_voided: is_cancelled || entry.is_some_and(|entry| entries.reversed.contains(&entry)),
        concern,
    };
    Ok(Seen { payment, is_draft, digits, open })
}
