//! The payments that were sent, and how each was answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// A payment for an invoice, under a key.
#[derive(Debug, Clone)]
pub struct TestPayment {
    pub key: String,
    /// The software's id of the invoice.
    pub invoice: i64,
    pub cents: i64,
}

/// All payments of a round.
#[derive(Debug, Default)]
pub struct History {
    sent: Mutex<BTreeMap<String, TestPayment>>,
    /// The keys of those that the server says are stored.
    stored: Mutex<BTreeSet<String>>,
    answers: AtomicU64,
    answered: Notify,
}

impl History {
    /// Notes a payment before it is first sent.
    pub fn send(&self, payment: &TestPayment) {
        self.sent.lock().expect("no panic").insert(payment.key.clone(), payment.clone());
    }

    /// Notes an answer by which the payment is stored.
    pub fn store(&self, payment: &TestPayment) {
        self.stored.lock().expect("no panic").insert(payment.key.clone());
        self.answer();
    }

    /// Counts an answer.
    pub fn answer(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        self.answered.notify_waiters();
    }

    /// How many answers there were.
    pub fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    /// Waits for so many further answers.
    pub async fn wait_for_answers(&self, count: u64) {
        let enough = self.answers() + count;
        while self.answers() < enough {
            let answered = self.answered.notified();
            if self.answers() < enough {
                answered.await;
            }
        }
    }

    /// The payments that were sent, by key.
    pub fn sent(&self) -> BTreeMap<String, TestPayment> {
        self.sent.lock().expect("no panic").clone()
    }

    /// Whether an answer has said that a payment is stored.
    pub fn is_stored(&self, key: &str) -> bool {
        self.stored.lock().expect("no panic").contains(key)
    }
}
