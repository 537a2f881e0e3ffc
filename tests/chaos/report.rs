//! What happened, for people.

use std::collections::BTreeMap;
use std::fmt;

use crate::faults::{Fault, Kind};
use crate::ledger::Ledger;
use crate::world::World;

/// How many violations are printed; the journal has all.
const SHOWN: usize = 10;

/// Counts, and what was found wrong.
#[derive(Debug, Default)]
pub struct Diagnostics {
    struck: BTreeMap<Kind, u32>,
    payments: u64,
    answers: u64,
    ended_by_itself: u32,
    journal: String,
    /// A line each; none is what everybody hopes for.
    pub violations: Vec<String>,
}

impl Diagnostics {
    /// How many faults have struck.
    pub fn faults(&self) -> u32 {
        self.struck.values().sum()
    }

    pub fn count(&mut self, fault: &Fault) {
        *self.struck.entry(fault.kind).or_default() += 1;
    }

    pub fn take_in(&mut self, ledger: &Ledger, world: &World) {
        (self.payments, _) = ledger.totals();
        self.answers = ledger.answered();
        self.ended_by_itself = world.server().ended_by_itself;
        self.journal = ledger.journal().display().to_string();
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kills: u32 = self.struck.iter().filter(|(kind, _)| kind.is_kill()).map(|(_, count)| count).sum();
        let (faults, payments, answers) = (self.faults(), self.payments, self.answers);
        write!(f, "{faults} faults, {kills} of them kills; {payments} payments, {answers} answers 201")?;
        if self.ended_by_itself > 0 {
            write!(f, "; the server ended by itself {} times and was started again", self.ended_by_itself)?;
        }
        if self.violations.is_empty() {
            write!(f, "; nothing lost, nothing doubled")?;
        }
        for (kind, count) in &self.struck {
            write!(f, "\n  {count:6}  {kind:?}")?;
        }
        for violation in self.violations.iter().take(SHOWN) {
            write!(f, "\nWRONG  {violation:.300}")?;
        }
        if self.violations.len() > SHOWN {
            write!(f, "\nWRONG  and {} more; see {}", self.violations.len() - SHOWN, self.journal)?;
        }
        Ok(())
    }
}
