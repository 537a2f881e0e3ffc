//! The payments that are created. Each is a function of seed and number, so the expected rows are known.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use uuid::Uuid;

/// A payment to be created.
#[derive(Debug, Clone)]
pub struct TestPayment {
    pub number: u64,
    /// The idempotency key.
    pub key: String,
    /// Identifies the payment by one of its own members, for payments without a key. Sent as `invoice_id`.
    pub marker: Uuid,
    /// The total amount in minor units.
    pub total: i64,
    /// The values of the line items in minor units.
    pub items: Vec<i64>,
    pub delivery: Delivery,
}

/// How a client sends a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Again and again until it is answered.
    Plain,
    /// Twice at the same time.
    Concurrent,
    /// First by a client that closes its socket after so many microseconds, without an answer; then as `Plain`.
    Abandoned(u64),
    /// Once more after its answer.
    Repeated,
    /// Once, without a key.
    WithoutKey,
}

impl TestPayment {
    /// The payment of this number.
    pub fn generate(seed: u64, number: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed ^ number.rotate_left(32));
        let items: Vec<i64> = (0..rng.random_range(1..5)).map(|_| rng.random_range(-10_000..10_000_000)).collect();
        let delivery = match rng.random_range(0..10) {
            0 => Delivery::Concurrent,
            1 => Delivery::Abandoned(rng.random_range(0..4_000)),
            2 => Delivery::Repeated,
            3 | 4 => Delivery::WithoutKey,
            _ => Delivery::Plain,
        };
        let marker = Uuid::from_u64_pair(seed, number);
        Self { number, key: format!("chaos-{seed}-{number}"), marker, total: items.iter().sum(), items, delivery }
    }

    /// The idempotency key that is sent and stored, if there is one.
    pub fn stored_key(&self) -> Option<&str> {
        (self.delivery != Delivery::WithoutKey).then_some(&self.key)
    }

    /// The index of its tenant; there are three.
    pub fn tenant(&self) -> usize {
        (self.number % 3) as usize
    }

    /// The request's body.
    pub fn body(&self) -> Value {
        let items: Vec<Value> = self.items.iter().map(|value| json!({ "name": "Item", "value": value })).collect();
        json!({
            "invoice_id": self.marker,
            "transaction_date": "2026-06-15T23:30:00-05:00",
            "currency": "EUR",
            "exchange_rate": "1.20",
            "total_amount": self.total,
            "type": "Chaos",
            "line_items": items,
        })
    }
}
