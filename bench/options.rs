//! What of the benchmark is to run, and how long.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Measures the server against pgbench, side by side, and writes docs/performance.md when everything is measured.
#[derive(Debug, Parser)]
#[command(name = "make bench ARGS=\"…\"", no_binary_name = false)]
pub struct Options {
    /// What to measure; everything when none is named
    #[arg(value_enum)]
    parts: Vec<Part>,

    /// How often each pair is measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,

    /// How long one side is measured in a round, in seconds
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,

    /// How long it runs before that, in seconds, until caches and prepared statements are warm
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=60))]
    warm_up: u64,

    /// The most stored payments of `growth`
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(20_000..))]
    pub payments: u64,

    /// More arguments for `unibooks serve`, separated by spaces
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    pub server_arguments: String,

    /// Another program to measure than the one of this checkout
    #[arg(long, env = "UNIBOOKS_BENCH_SERVER", value_name = "FILE", default_value = env!("CARGO_BIN_EXE_unibooks"))]
    pub server: PathBuf,

    /// What `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

/// A part of the benchmark that can run alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Payments a second at 1, 8, 64 and 256 connections; latency at 1, CPU at 64, memory at 256
    Create,
    /// Latency at half of the highest rate
    Latency,
    /// From the start of the process to its first 201
    Start,
    /// Repetitions and refusals a second
    Answers,
    /// Two server processes on one database
    Servers,
}

impl Options {
    /// Whether a part is wanted.
    pub fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }

    /// Whether nothing was left out, so that the result may stand for the whole.
    pub fn is_complete(&self) -> bool {
        self.parts.is_empty()
    }

    /// The disk that will be needed at most, in bytes.
    pub fn disk(&self) -> u64 {
        // The log before each checkpoint and the rows of the short rounds.
        16 << 30
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
    /// Both together.
    pub fn whole(&self) -> Duration {
        self.warm_up + self.measured
    }
}
