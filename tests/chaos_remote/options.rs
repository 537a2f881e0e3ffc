//! The options of `make chaos-remote`.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// The accounting software behind the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Provider {
    /// A Tryton that the harness starts
    Tryton,
}

/// Kills servers, database and accounting software under load, and checks that each payment is in the software once.
#[derive(Debug, Parser)]
#[command(name = "make chaos-remote", no_binary_name = false)]
pub struct Options {
    /// The accounting software
    #[arg(long, default_value = "tryton")]
    pub provider: Provider,

    /// How many faults are injected
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,

    /// After how many faults everything is compared
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub round: u32,

    /// The seed of the faults and the payments; a random one if it is not given
    #[arg(long, default_value_t = rand::random::<u32>().into())]
    pub seed: u64,

    /// How many clients create payments at a time
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub clients: u32,

    /// Succeed only when something was lost or doubled: for builds that are broken on purpose
    #[arg(long)]
    pub must_find: bool,

    /// Another server to test than the one of this checkout
    #[arg(long, env = "UNIBOOKS_CHAOS_SERVER", value_name = "FILE", default_value = env!("CARGO_BIN_EXE_unibooks"))]
    pub server: PathBuf,
}
