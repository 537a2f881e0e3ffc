//! Which invoices payments are matched with. Odoo 19 lists as reconciled what is only linked: the matches say what is
//! paid.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::json;

use super::Books;
use super::value::{Link, Maybe, Number};
use crate::connectors::{Error, RemoteAllocation};
use crate::domain::{MinorUnits, RemoteId};

/// The open item of a payment, which is matched with an invoice.
#[derive(Deserialize)]
pub struct Item {
    /// Its id.
    pub id: i64,
    /// The payment.
    pub payment_id: Link,
    /// Whether all of it is matched.
    pub reconciled: bool,
    /// What is not matched, in the payment's currency.
    pub amount_residual_currency: Number,
}

/// A match of two journal items (`account.partial.reconcile`).
#[derive(Deserialize)]
struct Match {
    debit_move_id: Maybe<Link>,
    credit_move_id: Maybe<Link>,
    /// In the currency of each item.
    debit_amount_currency: Number,
    credit_amount_currency: Number,
}

#[derive(Deserialize)]
struct InvoiceLine {
    id: i64,
    move_id: Link,
}

/// The matches of payments with invoices: payment, invoice, and the amount in the payment's currency.
pub struct Matches(Vec<(i64, i64, Number)>);

impl Books {
    /// The matches of the open items of payments.
    pub(super) async fn matches(&self, items: &[Item]) -> Result<Matches, Error> {
        let ids: Vec<_> = items.iter().map(|item| item.id).collect();
        if ids.is_empty() {
            return Ok(Matches(Vec::new()));
        }
        let domain = json!(["|", ["debit_move_id", "in", ids], ["credit_move_id", "in", ids]]);
        let fields = ["debit_move_id", "credit_move_id", "debit_amount_currency", "credit_amount_currency"];
        let found = self.search::<Match>("account.partial.reconcile", domain, &fields).await?;
        let payments: HashMap<i64, i64> = items.iter().map(|item| (item.id, item.payment_id.id)).collect();
        // Of each match, the item of the payment, the other item, and the amount.
        let sides = found.into_iter().filter_map(|(_, matched)| {
            let (debit, credit) = (matched.debit_move_id.0?.id, matched.credit_move_id.0?.id);
            match (payments.get(&debit), payments.get(&credit)) {
                (Some(payment), _) => Some((*payment, credit, matched.debit_amount_currency)),
                (None, Some(payment)) => Some((*payment, debit, matched.credit_amount_currency)),
                (None, None) => None,
            }
        });
        let sides: Vec<_> = sides.collect();
        if sides.is_empty() {
            return Ok(Matches(Vec::new()));
        }
        let others: Vec<_> = sides.iter().map(|(_, other, _)| other).collect();
        let of_invoices = json!([["id", "in", others], ["move_id.move_type", "!=", "entry"]]);
        let lines = self.search::<InvoiceLine>("account.move.line", of_invoices, &["move_id"]).await?;
        let invoices: HashMap<i64, i64> = lines.into_iter().map(|(_, line)| (line.id, line.move_id.id)).collect();
        let of_invoice = |(payment, other, amount)| Some((payment, *invoices.get(&other)?, amount));
        Ok(Matches(sides.into_iter().filter_map(of_invoice).collect()))
    }
}

impl Matches {
    /// The invoices that a payment pays. The parts of one that is paid back are below zero.
    pub fn allocations(&self, payment: i64, digits: u8, is_refund: bool) -> Vec<RemoteAllocation> {
        let mut parts: BTreeMap<i64, Option<i64>> = BTreeMap::new();
        for (_, invoice, amount) in self.0.iter().filter(|(of, ..)| *of == payment) {
            let amount = amount.minor_units(digits).map(MinorUnits::get);
            let sum = parts.entry(*invoice).or_insert(Some(0));
            *sum = sum.zip(amount).and_then(|(sum, amount)| sum.checked_add(amount));
        }
        let signed = |amount: i64| MinorUnits::try_from(if is_refund { -amount } else { amount }).ok();
        let allocation = |(invoice, amount): (i64, Option<i64>)| RemoteAllocation {
            invoice: RemoteId::from(invoice),
            amount: amount.and_then(signed),
        };
        parts.into_iter().map(allocation).collect()
    }
}
