//! Payments in Tryton: how they are written, and how they are read.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Books;
use super::prepare::Payment;
use super::values::{self, Date, Decimal, Stamped, Timestamp};
use crate::connectors::{Error, Fence, Found, Outcome, PreparedWrite, RemotePayment, json as text};
use crate::domain::{Currency, MinorUnits, RemoteId};

/// The form "Pay Invoice".
const WIZARD: &str = "wizard.account.invoice.pay";

/// The fields of an entry.
const FIELDS: [&str; 18] = [
    "_timestamp",
    "number",
    "date",
    "post_date",
    "state",
    "description",
    "origin",
    "journal",
    "company.currency.code",
    "lines._timestamp",
    "lines.account.type.receivable",
    "lines.account.type.payable",
    "lines.party",
    "lines.debit",
    "lines.credit",
    "lines.amount_second_currency",
    "lines.second_currency.code",
    "lines.invoice_payments",
];

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
        let records: Vec<Box<RawValue>> = self.search("account.move", company, domain, &FIELDS, None).await?;
        let mut entries = Vec::new();
        for record in records {
            let mut entry = read_payment(record)?;
            // The id was read from a number.
            if let Some(id) = values::record_id(&entry.remote_id) {
                entry.is_voided = self.is_cancelled(company, id).await?;
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Whether a posted entry cancels this one, and is not cancelled itself. The entry stays as it is: neither its state nor
    /// its stamp shows it.
    async fn is_cancelled(&self, company: i64, entry: i64) -> Result<bool, Error> {
        #[derive(Deserialize)]
        struct Id {
            id: i64,
        }

        let mut is_cancelled = false;
        let mut last = vec![entry];
        for _ in 0..MAX_CANCELLATIONS {
            let mut next: Vec<Id> = Vec::new();
            for entry in &last {
                let domain = json!([["origin", "=", format!("account.move,{entry}")], ["state", "=", "posted"]]);
                next.extend(self.search("account.move", company, domain, &["id"], None).await?);
            }
            if next.is_empty() {
                return Ok(is_cancelled);
            }
            is_cancelled = !is_cancelled;
            last = next.into_iter().map(|entry: Id| entry.id).collect();
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

/// Reads an entry (`account.move`) as a payment. Whether it was voided is not in its record.
///
/// # Errors
/// When it is no entry that changes what a party owes, or is owed.
pub fn read_payment(record: Box<RawValue>) -> Result<RemotePayment, Error> {
    let entry: Entry = text::read(record.get().as_bytes())?;
    entry.into_payment(record)
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

/// An entry (`account.move`).
#[derive(Deserialize)]
struct Entry {
    id: i64,
    #[serde(rename = "_timestamp")]
    timestamp: Timestamp,
    date: Date,
    #[serde(default, deserialize_with = "text::or_none")]
    origin: Option<String>,
    #[serde(rename = "company.")]
    company: Company,
    #[serde(rename = "lines.")]
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Company {
    #[serde(rename = "currency.")]
    currency: Code,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "_timestamp")]
    timestamp: Timestamp,
    #[serde(rename = "account.")]
    account: Account,
    debit: Decimal,
    credit: Decimal,
    amount_second_currency: Option<Decimal>,
    #[serde(rename = "second_currency.")]
    second_currency: Option<Code>,
    #[serde(default)]
    invoice_payments: Vec<i64>,
}

#[derive(Deserialize)]
struct Account {
    #[serde(rename = "type.")]
    kind: Option<AccountKind>,
}

#[derive(Deserialize)]
struct AccountKind {
    receivable: bool,
    payable: bool,
}

impl Line {
    /// Whether it changes what a party owes, or is owed.
    fn is_of_party(&self) -> bool {
        self.account.kind.as_ref().is_some_and(|kind| kind.receivable || kind.payable)
    }

    /// What it books, above zero for a debit, in its own currency or else in the base currency.
    fn amount(&self, base: Currency) -> Option<(MinorUnits, Currency)> {
        if let (Some(amount), Some(code)) = (&self.amount_second_currency, &self.second_currency) {
            let currency: Currency = code.code.parse().ok()?;
            return Some((amount.minor_units(currency)?, currency));
        }
        let amount = self.debit.minor_units(base)?.get() - self.credit.minor_units(base)?.get();
        Some((amount.try_into().ok()?, base))
    }
}

impl Entry {
    fn into_payment(self, data: Box<RawValue>) -> Result<RemotePayment, Error> {
        let unreadable = |what: &str| Error::Protocol(format!("the entry {} has no {what} that can be read", self.id));
        let base: Currency = self.company.currency.code.parse().map_err(|_| unreadable("base currency"))?;
        let mut sum: Option<(i64, Currency)> = None;
        for line in self.lines.iter().filter(|line| line.is_of_party()) {
            let (amount, currency) = line.amount(base).ok_or_else(|| unreadable("amount"))?;
            sum = match sum {
                None => Some((amount.get(), currency)),
                Some((before, same)) if same == currency => Some((before.saturating_add(amount.get()), currency)),
                Some(_) => return Err(unreadable("single currency")),
            };
        }
        let (amount, currency) = sum.ok_or_else(|| unreadable("line of a party"))?;
        let paid = self.origin.as_deref().and_then(|origin| origin.strip_prefix("account.invoice,")?.parse().ok());
        let mut invoices: Vec<i64> =
            self.lines.iter().flat_map(|line| line.invoice_payments.clone()).chain(paid).collect();
        invoices.sort_unstable();
        invoices.dedup();
        Ok(RemotePayment {
            remote_id: RemoteId::from(self.id),
            remote_updated_at: values::newest(self.lines.iter().map(|line| &line.timestamp).chain([&self.timestamp])),
            data,
            amount: amount.abs().try_into().map_err(|_| unreadable("amount"))?,
            currency,
            date: self.date.naive().ok_or_else(|| unreadable("date"))?,
            invoices: invoices.into_iter().map(RemoteId::from).collect(),
            is_voided: false,
            concern: None,
        })
    }
}
