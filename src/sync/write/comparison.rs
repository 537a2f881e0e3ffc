//! Whether a payment of the software is the one that was to be written.

use std::collections::BTreeSet;

use crate::connectors::RemotePayment;
use crate::domain::{Currency, MinorUnits, RemoteId};

/// What must be found in the software. A member that is `None` is not compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// In minor units of the currency.
    pub amount: Option<MinorUnits>,
    /// The currency of the payment.
    pub currency: Option<Currency>,
    /// The software's ids of the invoices that it pays; `None` while nothing is prepared.
    pub invoices: Option<Vec<RemoteId>>,
}

impl Expected {
    /// What differs, in words; empty when it is the payment that was to be written. The date is not compared: people
    /// correct it, and it changes no balance.
    #[must_use]
    pub fn differences(&self, found: &RemotePayment) -> Vec<String> {
        let list = |ids: &BTreeSet<&RemoteId>| ids.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(" ");
        let mut differences = Vec::new();
        if let Some(amount) = self.amount.filter(|amount| *amount != found.amount) {
            differences.push(format!("its amount is {} and not {}", found.amount.get(), amount.get()));
        }
        if let Some(currency) = self.currency.filter(|currency| *currency != found.currency) {
            differences.push(format!("its currency is {} and not {}", found.currency.code(), currency.code()));
        }
        let paid: BTreeSet<_> = found.invoices().collect();
        let invoices = self.invoices.as_ref().map(|invoices| invoices.iter().collect::<BTreeSet<_>>());
        if let Some(invoices) = invoices.filter(|invoices| *invoices != paid) {
            differences.push(format!("it pays [{}] and not [{}]", list(&paid), list(&invoices)));
        }
        differences
    }
}
