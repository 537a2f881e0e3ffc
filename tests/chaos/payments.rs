//! The payments that are created: each is a function of seed and number, so that what should be stored is known.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;

/// A payment to be created.
#[derive(Debug, Clone)]
pub struct PaymentData {
    pub number: u64,
    /// The idempotency key.
    pub key: String,
    /// A mark in the payment itself, which is there even where the key is not.
    pub mark: Uuid,
    /// Minor units.
    pub total: i64,
    /// The values of the line items, minor units.
    pub items: Vec<i64>,
    pub manner: Manner,
}

/// How it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Until it is answered.
    Plain,
    /// Twice at the same time.
    Twins,
    /// First by a client that leaves without an answer, after so many microseconds.
    Deserted(u64),
    /// Once more after its answer.
    Repeated,
    /// Once, without a key.
    WithoutKey,
}

impl PaymentData {
    /// The payment of this number.
    pub fn draw(seed: u64, number: u64) -> Self {
        let mut dice = StdRng::seed_from_u64(seed ^ number.rotate_left(32));
        let items: Vec<i64> = (0..dice.random_range(1..5)).map(|_| dice.random_range(-10_000..10_000_000)).collect();
        let manner = match dice.random_range(0..10) {
            0 => Manner::Twins,
            1 => Manner::Deserted(dice.random_range(0..4_000)),
            2 => Manner::Repeated,
            3 | 4 => Manner::WithoutKey,
            _ => Manner::Plain,
        };
        let mark = Uuid::from_u64_pair(seed, number);
        Self { number, key: format!("chaos-{seed}-{number}"), mark, total: items.iter().sum(), items, manner }
    }

    /// The key that is stored with it.
    pub fn stored_key(&self) -> Option<&str> {
        (self.manner != Manner::WithoutKey).then_some(&self.key)
    }

    /// For which of two tenants it is.
    pub fn tenant(&self) -> usize {
        usize::from(self.number % 2 == 1)
    }

    /// The request's body.
    pub fn body(&self) -> Value {
        let items: Vec<Value> = self.items.iter().map(|value| json!({ "name": "Item", "value": value })).collect();
        json!({
            "invoice_id": self.mark,
            "transaction_date": "2026-06-15T23:30:00-05:00",
            "currency": "EUR",
            "exchange_rate": "1.20",
            "total_amount": self.total,
            "type": "Chaos",
            "line_items": items,
        })
    }
}
