//! Entries (`account.move`), read as payments.

use std::collections::BTreeSet;

use rust_decimal::Decimal as Number;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::values::{self, Date, Decimal, RATE_DIGITS, Timestamp};
use crate::connectors::{Error, RemoteAllocation, RemotePayment, json as text};
use crate::domain::references::InvoiceKind;
use crate::domain::{Currency, ExchangeRate, MinorUnits, RemoteId, WriteKey};

/// The fields of an entry.
pub const FIELDS: [&str; 19] = [
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
    "lines.reconciliation",
];

/// Reads an entry as a payment. Whether it was voided is not in its record.
///
/// # Errors
/// When it is no entry that changes what a party owes, or is owed.
pub fn read_payment(record: Box<RawValue>) -> Result<RemotePayment, Error> {
    let entry: Entry = text::read(record.get().as_bytes())?;
    entry.into_payment(record)
}

#[derive(Deserialize)]
struct Entry {
    id: i64,
    #[serde(rename = "_timestamp")]
    timestamp: Timestamp,
    date: Date,
    #[serde(default, deserialize_with = "text::text_or_none")]
    description: Option<String>,
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
    #[serde(default, deserialize_with = "text::or_none")]
    party: Option<i64>,
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
    #[serde(default, deserialize_with = "text::or_none")]
    id: Option<i64>,
    #[serde(rename = "type.")]
    kind: Option<AccountKind>,
}

#[derive(Deserialize)]
struct AccountKind {
    receivable: bool,
    payable: bool,
}

impl Line {
    /// Whether it is about what customers owe or what is owed to suppliers; `None` when it is about neither.
    fn kind(&self) -> Option<InvoiceKind> {
        match self.account.kind.as_ref()? {
            AccountKind { receivable: true, .. } => Some(InvoiceKind::AccountsReceivable),
            AccountKind { payable: true, .. } => Some(InvoiceKind::AccountsPayable),
            AccountKind { .. } => None,
        }
    }

    /// What it books in the base currency, above zero for a debit.
    fn booked(&self) -> Option<Number> {
        self.debit.number()?.checked_sub(self.credit.number()?)
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
        for line in self.of_parties() {
            let (amount, currency) = line.amount(base).ok_or_else(|| unreadable("amount"))?;
            sum = match sum {
                None => Some((amount.get(), currency)),
                Some((before, same)) if same == currency => Some((before.saturating_add(amount.get()), currency)),
                Some(_) => return Err(unreadable("single currency")),
            };
        }
        let (debit, currency) = sum.ok_or_else(|| unreadable("line of a party"))?;
        let kind = only(self.of_parties().filter_map(Line::kind));
        let amount = match kind {
            Some(InvoiceKind::AccountsReceivable) => -debit,
            Some(InvoiceKind::AccountsPayable) => debit,
            None => debit.abs(),
        };
        Ok(RemotePayment {
            remote_id: RemoteId::from(self.id),
            remote_updated_at: values::newest(self.lines.iter().map(|line| &line.timestamp).chain([&self.timestamp])),
            data,
            key: self.description.as_deref().and_then(WriteKey::find),
            kind,
            amount: amount.try_into().map_err(|_| unreadable("amount"))?,
            currency,
            exchange_rate: if currency == base { None } else { self.exchange_rate() },
            date: self.date.naive().ok_or_else(|| unreadable("date"))?,
            account: self.account().map(RemoteId::from),
            contact: only(self.of_parties().filter_map(|line| line.party)).map(RemoteId::from),
            allocations: self.allocations(base, amount),
            is_voided: false,
            concern: None,
        })
    }

    /// The lines that change what a party owes, or is owed.
    fn of_parties(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.kind().is_some())
    }

    /// The account of the largest of the other lines: that of the money, and not of a rest that is written off.
    fn account(&self) -> Option<i64> {
        let others = self.lines.iter().filter(|line| line.kind().is_none());
        others.max_by_key(|line| line.booked().map(|booked| booked.abs()))?.account.id
    }

    /// The rate at which it was booked, from its two amounts.
    fn exchange_rate(&self) -> Option<ExchangeRate> {
        let (mut base, mut foreign) = (Number::ZERO, Number::ZERO);
        for line in self.of_parties() {
            base = base.checked_add(line.booked()?)?;
            foreign = foreign.checked_add(line.amount_second_currency.as_ref()?.number()?)?;
        }
        base.checked_div(foreign)?.abs().round_dp(RATE_DIGITS).normalize().to_string().parse().ok()
    }

    /// The invoices that it pays: those of its lines, each with the line's part, and the one that it comes from.
    fn allocations(&self, base: Currency, total: i64) -> Vec<RemoteAllocation> {
        let paid = self.origin.as_deref().and_then(|origin| origin.strip_prefix("account.invoice,")?.parse().ok());
        let of_lines = self.lines.iter().flat_map(|line| line.invoice_payments.iter().copied());
        let invoices: BTreeSet<i64> = of_lines.chain(paid).collect();
        let part = |invoice: i64| {
            let lines = || self.lines.iter().filter(move |line| line.invoice_payments.contains(&invoice));
            // A line that is for several invoices does not say which part goes to each.
            if lines().next().is_none() || lines().any(|line| line.invoice_payments.len() > 1) {
                return None;
            }
            let part = lines().try_fold(0_i64, |sum, line| sum.checked_add(line.amount(base)?.0.get()))?;
            MinorUnits::try_from(part.abs() * total.signum()).ok()
        };
        invoices.into_iter().map(|id| RemoteAllocation { invoice: RemoteId::from(id), amount: part(id) }).collect()
    }
}

/// What all of them are; `None` when they differ, or when there are none.
fn only<T: PartialEq>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}
