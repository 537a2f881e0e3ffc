//! The history of a run: what clients sent and what was answered.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use crate::journal::Journal;
use crate::payments::TestPayment;

/// A server that makes no progress for so long gets the next fault anyway.
const PROGRESS_TIMEOUT: Duration = Duration::from_secs(3);

/// The outcome of a payment that was sent once, without a key, and not answered with 201.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The answer said that nothing is stored and that the call may be repeated (503).
    Refused,
    /// The answer was cut off, or said that the outcome is unknown (409). A 409 may name the id that the payment would
    /// have.
    Unknown(Option<String>),
}

/// When a payment was made, in steps of a clock that all clients share.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// Before it was sent for the first time.
    pub begun: u64,
    /// After its first answer 201, if there was one.
    pub answered: Option<u64>,
}

/// The history that all clients share.
pub struct History {
    seed: u64,
    next: AtomicU64,
    journal: Journal,
    /// The first answer to each payment of this round.
    answers: Mutex<BTreeMap<u64, String>>,
    /// Payments of this round without a key that were not answered with 201.
    without_key: Mutex<BTreeMap<u64, Outcome>>,
    /// The refused payments without a key of all rounds. None of them may ever be stored.
    refused: Mutex<Vec<u64>>,
    clock: AtomicU64,
    /// The payments of all rounds.
    spans: Mutex<HashMap<u64, Span>>,
    /// The number of 201 answers so far, of all rounds.
    answered: watch::Sender<u64>,
    /// The number of payments with a key so far.
    with_key: AtomicU64,
    /// The number of their line items.
    items: AtomicU64,
}

impl History {
    pub fn open(folder: &Path, seed: u64) -> io::Result<Self> {
        Ok(Self {
            seed,
            next: AtomicU64::new(0),
            journal: Journal::open(folder)?,
            answers: Mutex::default(),
            without_key: Mutex::default(),
            refused: Mutex::default(),
            clock: AtomicU64::new(0),
            spans: Mutex::default(),
            answered: watch::Sender::new(0),
            with_key: AtomicU64::new(0),
            items: AtomicU64::new(0),
        })
    }

    /// The next payment, which no client has sent yet.
    pub fn next_payment(&self) -> TestPayment {
        let payment = TestPayment::generate(self.seed, self.next.fetch_add(1, Ordering::Relaxed));
        if payment.stored_key().is_some() {
            self.with_key.fetch_add(1, Ordering::Relaxed);
            self.items.fetch_add(payment.items.len() as u64, Ordering::Relaxed);
        }
        let span = Span { begun: self.tick(), answered: None };
        self.spans.lock().expect("no panic").insert(payment.number, span);
        payment
    }

    /// Records a 201, on disk first.
    ///
    /// # Errors
    /// If this payment had another answer before, or the journal cannot be written.
    pub async fn record(&self, payment: &TestPayment, body: String) -> anyhow::Result<()> {
        let now = self.tick();
        self.spans.lock().expect("no panic").entry(payment.number).and_modify(|span| {
            span.answered.get_or_insert(now);
        });
        self.journal.record(format!("{} {body}", payment.key)).await?;
        self.answered.send_modify(|count| *count += 1);
        let mut answers = self.answers.lock().expect("no panic");
        let first = answers.entry(payment.number).or_insert_with(|| body.clone());
        anyhow::ensure!(*first == body, "{} was answered first with {first}, then with {body}", payment.key);
        Ok(())
    }

    /// Records any other outcome of a payment without a key, on disk first.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub async fn record_without_key(&self, payment: &TestPayment, outcome: Outcome) -> anyhow::Result<()> {
        self.journal.record(format!("{} without its key: {outcome:?}", payment.key)).await?;
        if matches!(outcome, Outcome::Refused) {
            self.refused.lock().expect("no panic").push(payment.number);
        }
        self.without_key.lock().expect("no panic").insert(payment.number, outcome);
        Ok(())
    }

    /// The next step of the clock.
    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// When each payment was made, of all rounds.
    pub fn spans(&self) -> HashMap<u64, Span> {
        self.spans.lock().expect("no panic").clone()
    }

    /// The payments of this round without a key that were not answered with 201.
    pub fn without_key(&self) -> Vec<(TestPayment, Outcome)> {
        let outcomes = self.without_key.lock().expect("no panic");
        outcomes.iter().map(|(&number, outcome)| (TestPayment::generate(self.seed, number), outcome.clone())).collect()
    }

    /// All payments without a key that were ever refused.
    pub fn refused(&self) -> Vec<TestPayment> {
        let numbers = self.refused.lock().expect("no panic");
        numbers.iter().map(|&number| TestPayment::generate(self.seed, number)).collect()
    }

    /// Waits for `count` more answers, but not for ever.
    pub async fn wait_for_answers(&self, count: u64) {
        let mut answered = self.answered.subscribe();
        let enough = *answered.borrow() + count;
        tokio::time::timeout(PROGRESS_TIMEOUT, answered.wait_for(|answers| *answers >= enough)).await.ok();
    }

    /// The payments of this round, each with its first answer.
    pub fn round(&self) -> Vec<(TestPayment, String)> {
        let answers = self.answers.lock().expect("no panic");
        answers.iter().map(|(&number, body)| (TestPayment::generate(self.seed, number), body.clone())).collect()
    }

    /// The numbers of payments with a key, and of their line items, that should be stored by now.
    pub fn totals(&self) -> (u64, u64) {
        (self.with_key.load(Ordering::Relaxed), self.items.load(Ordering::Relaxed))
    }

    /// The number of 201 answers so far, repetitions included.
    pub fn answered(&self) -> u64 {
        *self.answered.borrow()
    }

    /// The file with the answers of this round.
    pub fn journal(&self) -> &Path {
        self.journal.path()
    }

    /// Begins the next round.
    pub fn start_round(&self) -> io::Result<()> {
        self.answers.lock().expect("no panic").clear();
        self.without_key.lock().expect("no panic").clear();
        self.journal.clear()
    }
}
