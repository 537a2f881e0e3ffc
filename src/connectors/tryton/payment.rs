//! Payments in Tryton: how they are written, and how they are looked up.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Books;
use super::entry::{self, read_payment};
use super::prepare::Payment;
use super::values::{self, Stamped};
use crate::connectors::{Error, Fence, Found, Outcome, PreparedWrite, RemotePayment};
use crate::domain::RemoteId;

/// The form "Pay Invoice".
const WIZARD: &str = "wizard.account.invoice.pay";

/// How many times an entry may have been cancelled, its cancellation cancelled, and so on.
const MAX_CANCELLATIONS: usize = 10;

impl Books {
    /// The invoice's time of change, which every payment of it moves.
    pub(super) async fn fence_of(&self, write: &PreparedWrite) -> Result<Fence, Error> {
        let payment = Payment::of(write)?;
        let domain = json!([["id", "=", payment.invoice]]);
        let mut found: Vec<Stamped> =
            self.search("account.invoice", payment.company, domain, &["_timestamp"], None).await?;
        let invoice = found.pop().ok_or_else(|| Error::Protocol("the invoice is gone".to_owned()))?;
        Ok(Fence(invoice.timestamp.0))
    }

    pub(super) async fn find_payment(&self, write: &PreparedWrite) -> Result<Found, Error> {
        let payment = Payment::of(write)?;
        let origin = format!("account.invoice,{}", payment.invoice);
        let domain = json!([["description", "=", payment.key], ["origin", "=", origin]]);
        let mut found = self.entries(payment.company, domain).await?;
        Ok(match (found.pop(), found.is_empty()) {
            (None, _) => Found::Absent,
            (Some(only), true) => Found::One(Box::new(only)),
            (Some(last), false) => Found::Many(found.into_iter().chain([last]).map(|entry| entry.remote_id).collect()),
        })
    }

    pub(super) async fn pay(&self, write: &PreparedWrite, fence: Option<Fence>) -> Result<RemotePayment, Error> {
        let payment = Payment::of(write)?;
        let Some(Fence(timestamp)) = fence else {
            return Err(Error::Unsupported("without a fence a payment could be written twice".to_owned()));
        };
        let context = Self::context(payment.company);
        let (wizard, ..): (i64, String, String) = self.rpc.call(&format!("{WIZARD}.create"), json!([context])).await?;
        let mut at_invoice = context.clone();
        at_invoice["active_model"] = json!("account.invoice");
        at_invoice["active_id"] = json!(payment.invoice);
        at_invoice["active_ids"] = json!([payment.invoice]);
        at_invoice["_timestamp"] = json!({format!("account.invoice,{}", payment.invoice): timestamp});
        let form = json!({"start": start(&payment), "ask": {"type": "partial"}});
        let paid = self.rpc.call_raw(&format!("{WIZARD}.execute"), json!([wizard, form, "pay", at_invoice])).await;
        // Only tidies up: Tryton forgets the form by itself later.
        if !matches!(&paid, Err(error) if error.outcome() == Outcome::Unknown) {
            let _ = self.rpc.call_raw(&format!("{WIZARD}.delete"), json!([wizard, context])).await;
        }
        paid?;
        match self.find_payment(write).await.map_err(Error::after_first_step)? {
            Found::One(payment) => Ok(*payment),
            other => Err(Error::Protocol(format!("Tryton took the payment, and then has {other:?} under its key"))),
        }
    }

    pub(super) async fn payment(&self, id: &RemoteId) -> Result<Option<RemotePayment>, Error> {
        let Some(id) = values::record_id(id) else { return Ok(None) };
        let company = self.company().await?;
        // The entry of an invoice itself looks the same, and is in a journal of another kind.
        let domain = json!([["id", "=", id], ["journal.type", "in", ["cash", "statement"]]]);
        Ok(self.entries(company, domain).await?.pop())
    }

    async fn entries(&self, company: i64, domain: Value) -> Result<Vec<RemotePayment>, Error> {
        let records: Vec<Box<RawValue>> = self.search("account.move", company, domain, &entry::FIELDS, None).await?;
        let entries = records.into_iter().map(read_payment).collect::<Result<_, _>>()?;
        self.with_cancellations(company, entries).await
    }

    /// The same entries, each with whether it was voided.
    pub(super) async fn with_cancellations(
        &self,
        company: i64,
        mut entries: Vec<RemotePayment>,
    ) -> Result<Vec<RemotePayment>, Error> {
        let id = |entry: &RemotePayment| values::record_id(&entry.remote_id);
        let ids: Vec<_> = entries.iter().filter_map(id).collect();
        let cancelled = self.cancelled(company, &ids).await?;
        for entry in &mut entries {
            entry.is_voided = id(entry).is_some_and(|id| cancelled.contains(&id));
        }
        Ok(entries)
    }

    /// Which of these entries a posted entry cancels that is not cancelled itself. An entry stays as it is when it is
    /// cancelled: neither its state nor its stamp shows it.
    pub(super) async fn cancelled(&self, company: i64, entries: &[i64]) -> Result<HashSet<i64>, Error> {
        #[derive(Deserialize)]
        struct Cancellation {
            id: i64,
            origin: String,
        }

        let mut cancelled = HashSet::new();
        // The last entries of each chain, with the one that it is about.
        let mut last: HashMap<String, i64> = entries.iter().map(|entry| (origin(*entry), *entry)).collect();
        for _ in 0..MAX_CANCELLATIONS {
            let origins: Vec<_> = last.keys().collect();
            let domain = json!([["origin", "in", origins], ["state", "=", "posted"]]);
            let found: Vec<Cancellation> = self.search("account.move", company, domain, &["origin"], None).await?;
            let next: HashMap<_, _> =
                found.iter().filter_map(|next| Some((origin(next.id), *last.get(&next.origin)?))).collect();
            let about: HashSet<_> = next.values().copied().collect();
            if about.is_empty() {
                return Ok(cancelled);
            }
            cancelled = &cancelled ^ &about;
            last = next;
        }
        Err(Error::Protocol("an entry that was cancelled too many times".to_owned()))
    }

    /// The fields of the records that match, in the order of their ids.
    pub(super) async fn search<T: for<'a> Deserialize<'a>>(
        &self,
        model: &str,
        company: i64,
        domain: Value,
        fields: &[&str],
        limit: Option<usize>,
    ) -> Result<Vec<T>, Error> {
        let parameters = json!([domain, 0, limit, [["id", "ASC"]], fields, Self::context(company)]);
        self.rpc.call(&format!("model.{model}.search_read"), parameters).await
    }
}

/// The first page of the form.
fn start(payment: &Payment) -> Value {
    json!({
        "payee": payment.payee,
        "amount": values::decimal(&payment.amount),
        "currency": payment.currency,
        "company": payment.company,
        "payment_method": payment.method,
        "date": values::date(payment.date),
        "description": payment.key,
    })
}

/// How an entry names the one that it cancels.
fn origin(entry: i64) -> String {
    format!("account.move,{entry}")
}
