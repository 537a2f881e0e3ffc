//! What of the benchmark is to run, and how long.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, ValueEnum};

// What docs/performance.md is measured with at least.
const ROUNDS: u32 = 3;
const SECONDS: u64 = 4;
const WARM_UP: u64 = 1;
const PAYMENTS: u64 = 10_000_000;
/// Built with the same profile as the benchmark.
const OWN_SERVER: &str = env!("CARGO_BIN_EXE_unibooks");

/// Measures the server against pgbench, side by side, and writes docs/performance.md when everything is measured.
#[derive(Debug, Parser)]
#[command(name = "make bench ARGS=\"…\"", no_binary_name = false)]
pub struct Options {
    /// What to measure; everything when none is named
    #[arg(value_enum)]
    parts: Vec<Part>,

    /// How often each pair is measured
    #[arg(long, default_value_t = ROUNDS, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,

    /// How long one side is measured in a round, in seconds
    #[arg(long, default_value_t = SECONDS, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,

    /// How long it runs before that, in seconds, until caches and prepared statements are warm
    #[arg(long, default_value_t = WARM_UP, value_parser = clap::value_parser!(u64).range(0..=60))]
    warm_up: u64,

    /// The most stored payments of `growth`
    #[arg(long, default_value_t = PAYMENTS, value_parser = clap::value_parser!(u64).range(20_000..))]
    pub payments: u64,

    /// More arguments for `unibooks serve`, separated by spaces
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    pub server_arguments: String,

    /// Another program to measure than the one of this checkout
    #[arg(long, env = "UNIBOOKS_BENCH_SERVER", value_name = "FILE", default_value = OWN_SERVER)]
    pub server: PathBuf,

    /// What `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

/// A part of the benchmark that can run alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Payments a second with 1, 8, 64 and 256 clients; latency at 1, CPU at 64, memory at 256
    Create,
    /// Latency at half of the highest rate
    Latency,
    /// From the start of the process to its first 201
    Start,
    /// Repetitions and refusals a second
    Answers,
    /// Two server processes on one database
    Servers,
    /// Create and reads with many stored payments
    Growth,
}

impl Options {
    /// Whether a part is wanted.
    pub fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }

    /// Whether nothing is left out or made smaller, so that the result may stand for the server of this checkout.
    pub fn is_complete(&self) -> bool {
        let whole = self.parts.is_empty() && self.payments >= PAYMENTS;
        let long = self.rounds >= ROUNDS && self.seconds >= SECONDS && self.warm_up >= WARM_UP;
        let ours = self.server == Path::new(OWN_SERVER) && self.server_arguments.is_empty();
        whole && long && ours
    }

    /// The disk that will be needed at most, in bytes.
    pub fn disk(&self) -> u64 {
        // Postgres' log before each checkpoint, and the rows of the rounds.
        const BASE: u64 = 16 << 30;
        // Row, line item, indexes and the log of both, with room to spare.
        const PAYMENT: u64 = 2 << 10;
        BASE + if self.wants(Part::Growth) { self.payments * PAYMENT } else { 0 }
    }

    /// The time of one side in one round.
    pub fn window(&self) -> Window {
        Window { warm_up: Duration::from_secs(self.warm_up), measured: Duration::from_secs(self.seconds) }
    }
}

/// How long one side runs: first uncounted, then counted.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub warm_up: Duration,
    pub measured: Duration,
}

impl Window {
    /// For what is short: a tenth of both.
    pub fn tenth(&self) -> Self {
        Self { warm_up: self.warm_up / 10, measured: self.measured / 10 }
    }

    /// Both together.
    pub fn whole(&self) -> Duration {
        self.warm_up + self.measured
    }
}
