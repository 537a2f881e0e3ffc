//! The printed report of a run.

use std::collections::BTreeMap;
use std::fmt;

use crate::faults::{Fault, Kind};

/// How many violations are printed.
const MAX_SHOWN: usize = 10;

/// The numbers of faults and payments, and the violations.
#[derive(Debug, Default)]
pub struct Report {
    injected: BTreeMap<Kind, u32>,
    pub payments: usize,
    pub applied: usize,
    /// Refused by the software.
    pub rejected: usize,
    /// Refused by the server, and not stored.
    pub refused: usize,
    pub unexpected_exits: u32,
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
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { payments, applied, rejected, refused, .. } = self;
        let kills: u32 = self.injected.iter().filter(|(kind, _)| kind.is_kill()).map(|(_, count)| count).sum();
        write!(f, "{} faults, {kills} of them kills; {payments} payments: ", self.faults())?;
        write!(f, "{applied} applied, {rejected} rejected, {refused} not stored")?;
        if self.unexpected_exits > 0 {
            write!(f, "; servers ended by themselves {} times", self.unexpected_exits)?;
        }
        if self.violations.is_empty() {
            write!(f, "; each is in the books once or not at all, as the server says")?;
        }
        for (kind, count) in &self.injected {
            write!(f, "\n  {count:6}  {kind:?}")?;
        }
        for violation in self.violations.iter().take(MAX_SHOWN) {
            write!(f, "\nVIOLATION  {violation:.300}")?;
        }
        if self.violations.len() > MAX_SHOWN {
            write!(f, "\nVIOLATION  and {} more", self.violations.len() - MAX_SHOWN)?;
        }
        Ok(())
    }
}
