//! The printed report of a run.

use std::collections::BTreeMap;
use std::fmt;

use crate::faults::{Fault, Kind};
use crate::history::History;
use crate::testbed::Testbed;

/// How many violations are printed.
const MAX_SHOWN: usize = 10;

/// The numbers of faults, payments and answers, and the violations.
#[derive(Debug, Default)]
pub struct Report {
    injected: BTreeMap<Kind, u32>,
    payments: u64,
    answers: u64,
    events: usize,
    attempts: usize,
    unexpected_exits: u32,
    journal: String,
    /// One line each; empty if nothing was lost or doubled.
    pub violations: Vec<String>,
}

impl Report {
    /// The number of faults injected so far.
    pub fn faults(&self) -> u32 {
        self.injected.values().sum()
    }

    pub fn count(&mut self, fault: &Fault) {
        *self.injected.entry(fault.kind).or_default() += 1;
    }

    pub fn update(&mut self, history: &History, testbed: &Testbed) {
        (self.payments, _) = history.totals();
        self.answers = history.answered();
        let logs: Vec<_> = testbed.subscribers.iter().map(|subscriber| subscriber.receiver.log()).collect();
        self.events = logs.iter().map(|log| log.delivered.len()).sum();
        self.attempts = logs.iter().map(|log| log.attempts()).sum();
        self.unexpected_exits = testbed.server().unexpected_exits;
        self.journal = history.journal().display().to_string();
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kills: u32 = self.injected.iter().filter(|(kind, _)| kind.is_kill()).map(|(_, count)| count).sum();
        let (faults, payments, answers) = (self.faults(), self.payments, self.answers);
        write!(f, "{faults} faults, {kills} of them kills; {payments} payments, {answers} answers 201")?;
        write!(f, "; {} events delivered in {} attempts", self.events, self.attempts)?;
        if self.unexpected_exits > 0 {
            write!(f, "; the server ended by itself {} times and was started again", self.unexpected_exits)?;
        }
        if self.violations.is_empty() {
            write!(f, "; nothing lost, nothing doubled")?;
        }
        for (kind, count) in &self.injected {
            write!(f, "\n  {count:6}  {kind:?}")?;
        }
        for violation in self.violations.iter().take(MAX_SHOWN) {
            write!(f, "\nVIOLATION  {violation:.300}")?;
        }
        if self.violations.len() > MAX_SHOWN {
            write!(f, "\nVIOLATION  and {} more; see {}", self.violations.len() - MAX_SHOWN, self.journal)?;
        }
        Ok(())
    }
}
