//! The faults, chosen at random.

use std::time::Duration;

use rand::{Rng, RngExt};

use crate::cutter::Cut;
use crate::overlap::Overlap;

/// A fault and when it hits.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub kind: Kind,
    /// How many answers are awaited before.
    pub answers_before: u64,
    /// The time after the last of them.
    pub delay: Duration,
    /// How long a process is away.
    pub downtime: Duration,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// SIGKILL to one of the two servers.
    KillServer(usize),
    /// SIGKILL to Postgres and all its processes.
    KillPostgres,
    /// SIGKILL to the accounting software.
    KillSoftware,
    /// SIGTERM to one of the two servers: what is being sent is finished.
    StopServer(usize),
    /// Cuts off the next request to the software that contains a text.
    CutSoftware(&'static str, Cut),
    /// Ends all leases, as if each attempt took too long: others look the payments up while requests are under way.
    EndLeases,
    /// A payment is sent twice: its first request is under way until another attempt has begun.
    Overlap(Overlap),
}

/// A part of the request that books a payment.
pub const EXECUTE: &str = "wizard.account.invoice.pay.execute";
/// A part of the request that reads the version of an invoice, which a later change makes invalid.
pub const FENCE: &str = r#"["_timestamp"]"#;

/// A part of each request of one kind: those that sign in, look up, and write.
const REQUESTS: [&str; 5] = ["common.db.login", "search_read", "wizard.account.invoice.pay.create", FENCE, EXECUTE];

impl Kind {
    /// Whether a process is killed.
    pub fn is_kill(self) -> bool {
        match self {
            Self::KillServer(_) | Self::KillPostgres | Self::KillSoftware => true,
            Self::Overlap(overlap) => overlap.is_kill(),
            Self::StopServer(_) | Self::CutSoftware(..) | Self::EndLeases => false,
        }
    }

    fn generate(rng: &mut impl Rng) -> Self {
        match rng.random_range(0..100) {
            0..24 => Self::KillServer(rng.random_range(0..2)),
            24..34 => Self::KillPostgres,
            34..44 => Self::KillSoftware,
            44..48 => Self::StopServer(rng.random_range(0..2)),
            48..70 => {
                let request = if rng.random_ratio(2, 3) { EXECUTE } else { REQUESTS[rng.random_range(0..5)] };
                Self::CutSoftware(request, Cut::ALL[rng.random_range(0..Cut::ALL.len())])
            }
            70..76 => Self::EndLeases,
            _ => Self::Overlap(Overlap::generate(rng)),
        }
    }
}

impl Fault {
    pub fn generate(rng: &mut impl Rng) -> Self {
        let kind = Kind::generate(rng);
        let answers_before = if rng.random_ratio(1, 4) { 0 } else { rng.random_range(1..8) };
        // A payment takes Tryton a few hundred milliseconds.
        let delay = Duration::from_millis(rng.random_range(0..400));
        let downtime = Duration::from_millis(if rng.random_ratio(3, 4) { 0 } else { rng.random_range(1..1_000) });
        Self { kind, answers_before, delay, downtime }
    }
}
