//! What can happen, and how likely it is.

use std::time::Duration;

use rand::{Rng, RngExt};

/// Something that goes wrong.
#[derive(Debug, Clone)]
pub struct Fault {
    pub kind: Kind,
    /// How many payments are answered before it strikes; with none it may strike while things are still starting.
    pub timeouts: u64,
    /// How long it waits then. Microseconds matter: a commit takes some hundred of them.
    pub delay: Duration,
    /// How long what was killed stays away.
    pub absence: Duration,
    /// Which connections a cut meets.
    pub mask: u64,
}

/// Whom it strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// SIGKILL to the server.
    KillServer,
    /// SIGKILL to Postgres and all its processes.
    KillPostgres,
    /// SIGKILL to both.
    KillBoth,
    /// SIGKILL to one of Postgres' processes: it throws out everybody and recovers.
    KillBackend,
    /// SIGTERM to the server: it ends in order.
    StopServer,
    /// A fast shutdown of Postgres.
    StopPostgres,
    /// The network between clients and server.
    CutClients(Cut),
    /// The network between server and database, or the pooler before it.
    CutDatabase(Cut),
    /// The network between pooler and database; without a pooler, the same as the last one.
    CutPooler(Cut),
    /// SIGKILL to the pooler; without one, nothing.
    KillPooler,
}

/// What happens to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    /// Closed in order on both sides.
    Drop,
    /// Reset (RST) on both sides.
    Reset,
    /// No byte passes for a moment; then it goes on.
    Stall,
    /// No byte passes for a moment; then it is reset.
    StallAndReset,
    /// The one that opened it hears no more, but is still heard.
    HalfClose,
}

impl Kind {
    /// Whether somebody was killed, and not merely stopped or cut off.
    pub fn is_kill(self) -> bool {
        matches!(self, Self::KillServer | Self::KillPostgres | Self::KillBoth | Self::KillBackend | Self::KillPooler)
    }

    fn draw(dice: &mut impl Rng) -> Self {
        match dice.random_range(0..100) {
            0..48 => Self::KillServer,
            48..58 => Self::KillPostgres,
            58..66 => Self::KillBoth,
            66..74 => Self::KillBackend,
            74..76 => Self::StopServer,
            76..78 => Self::StopPostgres,
            78..84 => Self::CutClients(Cut::draw(dice)),
            84..91 => Self::CutDatabase(Cut::draw(dice)),
            91..98 => Self::CutPooler(Cut::draw(dice)),
            _ => Self::KillPooler,
        }
    }
}

impl Cut {
    fn draw(dice: &mut impl Rng) -> Self {
        match dice.random_range(0..5) {
            0 => Self::Drop,
            1 => Self::Reset,
            2 => Self::Stall,
            3 => Self::StallAndReset,
            _ => Self::HalfClose,
        }
    }
}

impl Fault {
    pub fn draw(dice: &mut impl Rng) -> Self {
        let kind = Kind::draw(dice);
        let timeouts = if dice.random_ratio(1, 6) { 0 } else { dice.random_range(1..40) };
        // Without patience, anywhere in a start; else close behind an answer, where commits and answers are under way.
        let delay = Duration::from_micros(dice.random_range(0..if timeouts == 0 { 100_000 } else { 3_000 }));
        let absence = Duration::from_millis(if dice.random_ratio(3, 4) { 0 } else { dice.random_range(1..150) });
        Self { kind, timeouts, delay, absence, mask: dice.random() }
    }
}
