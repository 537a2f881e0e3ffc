//! The options of `make bench`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, ValueEnum};

// The minimum for docs/performance.md, and the defaults.
const ROUNDS: u32 = 3;
const SECONDS: u64 = 4;
const WARM_UP: u64 = 1;
const PAYMENTS: u64 = 10_000_000;
const BACKLOG: u64 = 1_000_000;
const CLIENTS: [u32; 4] = [1, 8, 64, 256];
/// Built with the same profile as the benchmark.
const OWN_SERVER: &str = env!("CARGO_BIN_EXE_unibooks");

/// Measures the server against pgbench, side by side. Writes docs/performance.md after a complete run.
#[derive(Debug, Parser)]
#[command(name = "make bench ARGS=\"…\"", no_binary_name = false)]
pub struct Options {
    /// The parts to measure; all if none is named
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

    /// The largest number of stored payments in `growth`
    #[arg(long, default_value_t = PAYMENTS, value_parser = clap::value_parser!(u64).range(20_000..))]
    pub payments: u64,

    /// More arguments for `unibooks serve`, separated by spaces
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    pub server_arguments: String,

    /// Another server to measure than the one of this checkout
    #[arg(long, env = "UNIBOOKS_BENCH_SERVER", value_name = "FILE", default_value = OWN_SERVER)]
    pub server: PathBuf,

    /// A server of an earlier version, with which `events` compares
    #[arg(long, env = "UNIBOOKS_BENCH_BEFORE", value_name = "FILE")]
    pub before: Option<PathBuf>,

    /// The numbers of clients in `events` and `software`
    #[arg(long, value_delimiter = ',', default_values_t = CLIENTS)]
    pub clients: Vec<u32>,

    /// The number of events that wait in `backlog`
    #[arg(long, default_value_t = BACKLOG, value_parser = clap::value_parser!(u64).range(20_000..))]
    pub backlog: u64,

    /// The flag that `cargo bench` adds
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
    /// Replays and refusals a second
    Answers,
    /// Two server processes on one database
    Servers,
    /// Payments a second while ten times too many clients call
    Overload,
    /// Payments a second with a subscriber and without one
    Events,
    /// Payments a second with accounting software and without it
    Software,
    /// Deliveries a second to one webhook endpoint, and their latency
    Deliveries,
    /// Deliveries while very many events wait
    Backlog,
    /// Latency of deliveries while a tenth of very many webhook endpoints is dead
    Endpoints,
    /// Create and reads with many stored payments
    Growth,
}

impl Options {
    /// Whether a part is wanted.
    pub fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }

    /// Whether the run is complete: all parts at full size, on the server of this checkout. Only then is the page
    /// written.
    pub fn is_complete(&self) -> bool {
        let whole =
            self.parts.is_empty() && self.payments >= PAYMENTS && self.backlog >= BACKLOG && self.clients == CLIENTS;
        let long = self.rounds >= ROUNDS && self.seconds >= SECONDS && self.warm_up >= WARM_UP;
        let ours = self.server == Path::new(OWN_SERVER) && self.server_arguments.is_empty();
        whole && long && ours
    }

    /// The disk space needed, at most, in bytes.
    pub fn disk(&self) -> u64 {
        // The write-ahead log between two checkpoints, and the rows of the rounds.
        const BASE: u64 = 16 << 30;
        // Row, line item, indexes and write-ahead log of a payment, with a reserve.
        const PAYMENT: u64 = 2 << 10;
        let payments = [(Part::Growth, self.payments), (Part::Backlog, self.backlog)];
        // One part after the other.
        BASE + payments
            .into_iter()
            .filter(|(part, _)| self.wants(*part))
            .map(|(_, most)| most * PAYMENT)
            .max()
            .unwrap_or(0)
    }

    /// The window of one side in one round.
    pub fn window(&self) -> Window {
        Window { warm_up: Duration::from_secs(self.warm_up), measured: Duration::from_secs(self.seconds) }
    }
}

/// The time that one side runs: a warm-up, then the measured time.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub warm_up: Duration,
    pub measured: Duration,
}

impl Window {
    /// A tenth of both times, for short reads.
    pub fn tenth(&self) -> Self {
        Self { warm_up: self.warm_up / 10, measured: self.measured / 10 }
    }

    /// Both times together.
    pub fn whole(&self) -> Duration {
        self.warm_up + self.measured
    }
}
