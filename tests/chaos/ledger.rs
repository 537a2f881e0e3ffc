//! What was asked for and what was answered.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use crate::journal::Journal;
use crate::payments::PaymentData;

/// A server that needs longer than this to make progress is struck all the same.
const PATIENCE: Duration = Duration::from_secs(3);

/// What became of a payment that was sent once, without a key, and not answered with 201.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The answer said that nothing is stored and that the call may be repeated.
    Refused,
    /// The answer was cut off, or said that the outcome is unknown, and perhaps the id that the payment would have.
    Unknown(Option<String>),
}

/// The clients' common memory.
pub struct Ledger {
    seed: u64,
    next: AtomicU64,
    journal: Journal,
    /// The first answer to each payment of this round.
    answers: Mutex<BTreeMap<u64, String>>,
    /// Payments of this round without a key that were not answered with 201.
    without_key: Mutex<BTreeMap<u64, Outcome>>,
    /// All payments without a key that were refused, of every round: none of them may ever be stored.
    refused: Mutex<Vec<u64>>,
    /// How many answers there were in all.
    answered: watch::Sender<u64>,
    /// How many payments with a key there are so far, and how many line items they have.
    with_key: AtomicU64,
    items: AtomicU64,
}

impl Ledger {
    pub fn open(folder: &Path, seed: u64) -> io::Result<Self> {
        Ok(Self {
            seed,
            next: AtomicU64::new(0),
            journal: Journal::open(folder)?,
            answers: Mutex::default(),
            without_key: Mutex::default(),
            refused: Mutex::default(),
            answered: watch::Sender::new(0),
            with_key: AtomicU64::new(0),
            items: AtomicU64::new(0),
        })
    }

    /// A payment that nobody has asked for yet.
    pub fn next_payment(&self) -> PaymentData {
        let payment = PaymentData::draw(self.seed, self.next.fetch_add(1, Ordering::Relaxed));
        if payment.stored_key().is_some() {
            self.with_key.fetch_add(1, Ordering::Relaxed);
            self.items.fetch_add(payment.items.len() as u64, Ordering::Relaxed);
        }
        payment
    }

    /// Takes note of a 201, on disk first.
    ///
    /// # Errors
    /// When this payment was answered otherwise before.
    pub async fn record(&self, payment: &PaymentData, body: String) -> anyhow::Result<()> {
        self.journal.record(format!("{} {body}", payment.key)).await?;
        self.answered.send_modify(|count| *count += 1);
        let mut answers = self.answers.lock().expect("no panic");
        let first = answers.entry(payment.number).or_insert_with(|| body.clone());
        anyhow::ensure!(*first == body, "{} was answered first with {first}, then with {body}", payment.key);
        Ok(())
    }

    /// Takes note of any other end of a payment without a key, on disk first.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub async fn record_without_key(&self, payment: &PaymentData, outcome: Outcome) -> anyhow::Result<()> {
        self.journal.record(format!("{} without its key: {outcome:?}", payment.key)).await?;
        if matches!(outcome, Outcome::Refused) {
            self.refused.lock().expect("no panic").push(payment.number);
        }
        self.without_key.lock().expect("no panic").insert(payment.number, outcome);
        Ok(())
    }

    /// The payments of this round without a key that were not answered with 201.
    pub fn without_key(&self) -> Vec<(PaymentData, Outcome)> {
        let outcomes = self.without_key.lock().expect("no panic");
        outcomes.iter().map(|(&number, outcome)| (PaymentData::draw(self.seed, number), outcome.clone())).collect()
    }

    /// All payments without a key that were ever refused.
    pub fn refused(&self) -> Vec<PaymentData> {
        let numbers = self.refused.lock().expect("no panic");
        numbers.iter().map(|&number| PaymentData::draw(self.seed, number)).collect()
    }

    /// Waits until so many more answers were received, but not for ever.
    pub async fn progress(&self, more: u64) {
        let mut answered = self.answered.subscribe();
        let enough = *answered.borrow() + more;
        tokio::time::timeout(PATIENCE, answered.wait_for(|count| *count >= enough)).await.ok();
    }

    /// The payments of this round, each with its first answer.
    pub fn round(&self) -> Vec<(PaymentData, String)> {
        let answers = self.answers.lock().expect("no panic");
        answers.iter().map(|(&number, body)| (PaymentData::draw(self.seed, number), body.clone())).collect()
    }

    /// How many payments with a key there should be by now, and how many line items.
    pub fn totals(&self) -> (u64, u64) {
        (self.with_key.load(Ordering::Relaxed), self.items.load(Ordering::Relaxed))
    }

    /// How many 201 were received, repetitions included.
    pub fn answered(&self) -> u64 {
        *self.answered.borrow()
    }

    /// Where the answers of this round are.
    pub fn journal(&self) -> &Path {
        self.journal.path()
    }

    /// The next round.
    pub fn begin_anew(&self) -> io::Result<()> {
        self.answers.lock().expect("no panic").clear();
        self.without_key.lock().expect("no panic").clear();
        self.journal.begin_anew()
    }
}
