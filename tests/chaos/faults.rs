//! The faults that are injected, and how likely each is.

use std::time::Duration;

use rand::{Rng, RngExt};

/// One fault, with its moment and extent.
#[derive(Debug, Clone)]
pub struct Fault {
    pub kind: Kind,
    /// How many payments are answered before it is injected. With 0 it may hit a process that is still starting.
    pub answers_before: u64,
    /// The delay after those answers. Microseconds matter: a commit takes some hundred.
    pub delay: Duration,
    /// How long a killed or stopped process is down.
    pub downtime: Duration,
    /// Which sockets a cut hits: socket n if bit n modulo 64 is set. Selects the node and the
    /// process of Postgres, too.
    pub mask: u64,
}

/// What a fault hits, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// SIGKILL to the server.
    KillServer,
    /// SIGKILL to Postgres and all its processes. Of several nodes it hits one, as every fault of Postgres does.
    KillPostgres,
    /// SIGKILL to both.
    KillBoth,
    /// SIGKILL to one process of Postgres. Postgres ends all sessions and recovers.
    KillBackend,
    /// SIGTERM to the server: a graceful shutdown.
    StopServer,
    /// A fast shutdown of Postgres.
    StopPostgres,
    /// Cuts the network between clients and server.
    CutClients(Cut),
    /// Cuts the network between the server and the database, or the pooler before the database.
    CutDatabase(Cut),
    /// Cuts the network between pooler and database. Without a pooler it is `CutDatabase`.
    CutPooler(Cut),
    /// A receiver of webhooks dies: its sockets close, and it refuses others. With Citus it does nothing.
    KillReceiver,
    /// SIGKILL to the pooler. Without a pooler it does nothing.
    KillPooler,
}

/// What happens to a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    /// It is closed on both sides.
    Drop,
    /// It is reset (RST) on both sides.
    Reset,
    /// No byte passes for a moment, then traffic continues.
    Stall,
    /// No byte passes for a moment, then it is reset.
    StallAndReset,
    /// It is closed towards the side that opened it, which can still send.
    HalfClose,
}

impl Kind {
    /// Whether a process is killed, not only stopped or cut off.
    pub fn is_kill(self) -> bool {
        matches!(self, Self::KillServer | Self::KillPostgres | Self::KillBoth | Self::KillBackend | Self::KillPooler)
    }

    fn generate(rng: &mut impl Rng) -> Self {
        match rng.random_range(0..100) {
            0..44 => Self::KillServer,
            44..48 => Self::KillReceiver,
            48..58 => Self::KillPostgres,
            58..66 => Self::KillBoth,
            66..74 => Self::KillBackend,
            74..76 => Self::StopServer,
            76..78 => Self::StopPostgres,
            78..84 => Self::CutClients(Cut::generate(rng)),
            84..91 => Self::CutDatabase(Cut::generate(rng)),
            91..98 => Self::CutPooler(Cut::generate(rng)),
            _ => Self::KillPooler,
        }
    }
}

impl Cut {
    fn generate(rng: &mut impl Rng) -> Self {
        match rng.random_range(0..5) {
            0 => Self::Drop,
            1 => Self::Reset,
            2 => Self::Stall,
            3 => Self::StallAndReset,
            _ => Self::HalfClose,
        }
    }
}

impl Fault {
    pub fn generate(rng: &mut impl Rng) -> Self {
        let kind = Kind::generate(rng);
        let answers_before = if rng.random_ratio(1, 6) { 0 } else { rng.random_range(1..40) };
        // Without answers before, anywhere in a start; otherwise shortly after an answer, during commits and answers.
        let delay = Duration::from_micros(rng.random_range(0..if answers_before == 0 { 100_000 } else { 3_000 }));
        let downtime = Duration::from_millis(if rng.random_ratio(3, 4) { 0 } else { rng.random_range(1..150) });
        Self { kind, answers_before, delay, downtime, mask: rng.random() }
    }
}
