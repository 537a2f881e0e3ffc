//! The payments of the books, made by us and by others: entries in the journals of money that change what a party owes.

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::Books;
use super::entry::{self, read_payment};
use super::references::{PAGE, key_of, page_of};
use super::values::record_id;
use crate::connectors::json::{fingerprint, read, with_member};
use crate::connectors::{Error, KeyPage, RemoteAllocation, RemoteKey, RemotePayment};
use crate::domain::RemoteId;

/// What changes when a payment changes: a line has a stamp of its own.
const STAMP: &[&str] = &["_timestamp", "lines._timestamp", "lines.reconciliation"];

#[derive(Deserialize)]
struct Id {
    id: i64,
}

/// The reconciliations of an entry's lines.
#[derive(Deserialize)]
struct Reconciled {
    #[serde(rename = "lines.", default)]
    lines: Vec<ReconciledLine>,
}

#[derive(Deserialize)]
struct ReconciledLine {
    #[serde(default)]
    reconciliation: Option<i64>,
}

/// A line of an invoice's entry that is reconciled.
#[derive(Deserialize)]
struct OfInvoice {
    reconciliation: i64,
    move_origin: Option<String>,
}

/// The entries that are payments: posted, in a journal of money, with a line that changes what a party owes. One that
/// cancels another is none.
fn payments(company: i64, page: &Value) -> Value {
    let is_of_party = json!(["OR", ["account.type.receivable", "=", true], ["account.type.payable", "=", true]]);
    json!([
        page,
        ["company", "=", company],
        ["journal.type", "in", ["cash", "statement"]],
        ["state", "=", "posted"],
        ["OR", ["origin", "=", null], ["origin", "not like", "account.move,%"]],
        ["lines", "where", is_of_party],
    ])
}

impl Books {
    pub(super) async fn payment_keys_after(&self, after: Option<&RemoteKey>) -> Result<KeyPage, Error> {
        let company = self.company().await?;
        let domain = payments(company, &page_of(after));
        let records: Vec<Box<RawValue>> = self.search("account.move", company, domain, STAMP, Some(PAGE)).await?;
        let ids = records.iter().map(|record| Ok(read::<Id>(record.get().as_bytes())?.id));
        let ids = ids.collect::<Result<Vec<_>, Error>>()?;
        let cancelled = self.cancelled(company, &ids).await?;
        let keys = ids.iter().zip(&records).map(|(id, record)| {
            let is_cancelled = if cancelled.contains(id) { "cancelled " } else { "" };
            key_of(*id, format!("{is_cancelled}{}", fingerprint(record)))
        });
        Ok(KeyPage { is_last: records.len() < PAGE, keys: keys.collect() })
    }

    pub(super) async fn payments_of(&self, keys: &[RemoteKey]) -> Result<Vec<RemotePayment>, Error> {
        let company = self.company().await?;
        let ids: Vec<_> = keys.iter().filter_map(|key| record_id(&key.remote_id)).collect();
        let domain = payments(company, &json!(["id", "in", ids]));
        let records: Vec<Box<RawValue>> =
            self.search("account.move", company, domain, &entry::FIELDS, Some(PAGE)).await?;
        // One strange entry does not hide the others.
        let mut entries: Vec<_> = records.into_iter().filter_map(|record| read_payment(record).ok()).collect();
        self.add_reconciled_invoices(company, &mut entries).await?;
        self.with_cancellations(company, entries).await
    }

    /// An entry that was made by hand names no invoice: it is reconciled with the lines of some.
    async fn add_reconciled_invoices(&self, company: i64, entries: &mut [RemotePayment]) -> Result<(), Error> {
        let reconciliations = |entry: &RemotePayment| {
            let lines = read::<Reconciled>(entry.data.get().as_bytes()).map(|entry| entry.lines).unwrap_or_default();
            lines.into_iter().filter_map(|line| line.reconciliation).collect::<Vec<_>>()
        };
        let unnamed = || entries.iter().filter(|entry| entry.allocations.is_empty());
        let wanted: Vec<_> = unnamed().flat_map(reconciliations).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let domain = json!([["reconciliation", "in", wanted], ["move_origin", "like", "account.invoice,%"]]);
        let fields = ["reconciliation", "move_origin"];
        let lines: Vec<OfInvoice> = self.search("account.move.line", company, domain, &fields, None).await?;
        for entry in entries.iter_mut().filter(|entry| entry.allocations.is_empty()) {
            let own = reconciliations(entry);
            let of_own = lines.iter().filter(|line| own.contains(&line.reconciliation));
            let invoice = |line: &OfInvoice| line.move_origin.as_ref()?.strip_prefix("account.invoice,")?.parse().ok();
            let mut invoices: Vec<i64> = of_own.filter_map(invoice).collect();
            invoices.sort_unstable();
            invoices.dedup();
            // It does not say how much goes to each.
            let allocation = |id: i64| RemoteAllocation { invoice: RemoteId::from(id), amount: None };
            entry.allocations = invoices.iter().copied().map(allocation).collect();
            if let Ok(invoices) = to_raw_value(&invoices) {
                entry.data = with_member(&entry.data, "reconciled_invoices", &invoices);
            }
        }
        Ok(())
    }
}
