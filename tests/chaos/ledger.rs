//! What was asked for and what was answered.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use crate::journal::Journal;
use crate::payments::NewPayment;

/// A server that needs longer than this to make progress is struck all the same.
const PATIENCE: Duration = Duration::from_secs(3);

/// The clients' common memory.
pub struct Ledger {
    seed: u64,
    next: AtomicU64,
    journal: Journal,
    /// The first answer to each payment of this round.
    answers: Mutex<BTreeMap<u64, String>>,
    /// How many answers there were in all.
    answered: watch::Sender<u64>,
    /// How many line items all payments so far have.
    items: AtomicU64,
}

impl Ledger {
    pub fn open(folder: &Path, seed: u64) -> io::Result<Self> {
        Ok(Self {
            seed,
            next: AtomicU64::new(0),
            journal: Journal::open(folder)?,
            answers: Mutex::default(),
            answered: watch::Sender::new(0),
            items: AtomicU64::new(0),
        })
    }

    /// A payment that nobody has asked for yet.
    pub fn next_payment(&self) -> NewPayment {
        let payment = NewPayment::draw(self.seed, self.next.fetch_add(1, Ordering::Relaxed));
        self.items.fetch_add(payment.items.len() as u64, Ordering::Relaxed);
        payment
    }

    /// Takes note of a 201, on disk first.
    ///
    /// # Errors
    /// When this payment was answered otherwise before.
    pub async fn record(&self, payment: &NewPayment, body: String) -> anyhow::Result<()> {
        self.journal.record(format!("{} {body}", payment.key)).await?;
        self.answered.send_modify(|count| *count += 1);
        let mut answers = self.answers.lock().expect("no panic");
        let first = answers.entry(payment.number).or_insert_with(|| body.clone());
        anyhow::ensure!(*first == body, "{} was answered first with {first}, then with {body}", payment.key);
        Ok(())
    }

    /// Waits until so many more answers were received, but not for ever.
    pub async fn progress(&self, more: u64) {
        let mut answered = self.answered.subscribe();
        let enough = *answered.borrow() + more;
        tokio::time::timeout(PATIENCE, answered.wait_for(|count| *count >= enough)).await.ok();
    }

    /// The payments of this round, each with its first answer.
    pub fn round(&self) -> Vec<(NewPayment, String)> {
        let answers = self.answers.lock().expect("no panic");
        answers.iter().map(|(&number, body)| (NewPayment::draw(self.seed, number), body.clone())).collect()
    }

    /// How many payments there should be by now, and how many line items.
    pub fn totals(&self) -> (u64, u64) {
        (self.next.load(Ordering::Relaxed), self.items.load(Ordering::Relaxed))
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
        self.journal.begin_anew()
    }
}
