//! Payments as they are in Odoo.

use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Books;
use super::value::{Link, Maybe, Number, moment};
use crate::connectors::{Error, RemotePayment};
use crate::domain::{Currency, RemoteId};

/// The model of payments.
pub const PAYMENT: &str = "account.payment";

#[derive(Deserialize)]
struct Record {
    state: String,
    amount: Number,
    currency_id: Link,
    date: NaiveDate,
    move_id: Maybe<Link>,
    write_date: Maybe<String>,
}

/// The open item of a payment, which is matched with an invoice.
#[derive(Deserialize)]
pub struct Item {
    /// Its id.
    pub id: i64,
    reconciled: bool,
    /// What is not matched, in the payment's currency.
    pub amount_residual_currency: Number,
}

#[derive(Deserialize)]
struct Entry {
    id: i64,
    date: NaiveDate,
}

#[derive(Deserialize)]
struct InvoiceLine {
    move_id: Link,
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
        let fields = self.rpc.session().await?.fields;
        let found = self.search::<Record>(PAYMENT, json!([["id", "=", id]]), fields.payment).await?;
        let Some((data, record)) = found.into_iter().next() else { return Ok(None) };
        let unreadable = |what: &str| Error::Protocol(format!("payment {id} has {what}"));
        let currency: Currency = record.currency_id.name.parse().map_err(|_| unreadable("an unknown currency"))?;
        let digits = currency.minor_units().unwrap_or_default();
        let amount = record.amount.minor_units(digits).ok_or_else(|| unreadable("parts of a minor unit"))?;
        let kinds = json!([["payment_id", "=", id], [fields.item_kind, "in", fields.open_item_kinds]]);
        let items =
            self.search::<Item>("account.move.line", kinds, &["reconciled", "amount_residual_currency"]).await?;
        let lines = self.search::<InvoiceLine>("account.move.line", matched_with(id), &["move_id"]).await?;
        let mut invoices: Vec<_> = lines.into_iter().map(|(_, line)| RemoteId::from(line.move_id.id)).collect();
        invoices.dedup();
        let (entry, reversal) = self.entries(&record.move_id).await?;
        let is_draft = match record.state.as_str() {
            "draft" => true,
            "posted" | "in_process" | "paid" | "cancel" | "canceled" | "rejected" => false,
            state => return Err(unreadable(&format!("the unknown state {state}"))),
        };
        let is_cancelled = matches!(record.state.as_str(), "cancel" | "canceled" | "rejected");
        // Odoo 19 books into the next open period when that of the payment is locked.
        let moved = entry.filter(|entry| *entry != record.date && !is_draft);
        let concern = moved.map(|entry| format!("Odoo booked it on {entry}: its own date is locked"));
        let payment = RemotePayment {
            remote_id: RemoteId::from(id),
            remote_updated_at: record.write_date.0.as_deref().and_then(moment),
            data,
            amount,
            currency,
            date: record.date,
            invoices,
            is_voided: is_cancelled || reversal,
            concern,
        };
        let open = items.into_iter().map(|(_, item)| item).find(|item| !item.reconciled);
        Ok(Some(Seen { payment, is_draft, digits, open }))
    }

    /// The date of the payment's journal entry, and whether another entry reverses it.
    async fn entries(&self, entry: &Maybe<Link>) -> Result<(Option<NaiveDate>, bool), Error> {
        let Some(Link { id, .. }) = entry.0 else { return Ok((None, false)) };
        let reversed = json!(["|", ["id", "=", id], "&", ["reversed_entry_id", "=", id], ["state", "=", "posted"]]);
        let entries = self.search::<Entry>("account.move", reversed, &["date"]).await?;
        let own = entries.iter().find(|(_, entry)| entry.id == id).map(|(_, entry)| entry.date);
        Ok((own, entries.iter().any(|(_, entry)| entry.id != id)))
    }
}

/// The items of invoices that a payment is matched with. Odoo 19 lists as reconciled what is only linked: the matches say
/// what is paid.
fn matched_with(payment: i64) -> Value {
    json!([
        ["move_id.move_type", "!=", "entry"],
        "|",
        ["matched_debit_ids.debit_move_id.payment_id", "=", payment],
        ["matched_credit_ids.credit_move_id.payment_id", "=", payment]
    ])
}
