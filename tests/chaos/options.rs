//! The options of `make chaos`.

use std::path::PathBuf;

use clap::Parser;

use crate::pgbouncer::Mode;

/// Kills server and database under load, and checks that nothing was lost or doubled.
#[derive(Debug, Parser)]
#[command(name = "make chaos", no_binary_name = false)]
pub struct Options {
    /// How many faults are injected
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,

    /// After how many faults everything is compared
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub round: u32,

    /// The seed of the faults and the payments; a random one if it is not given
    #[arg(long, default_value_t = rand::random::<u32>().into())]
    pub seed: u64,

    /// How many clients create payments at a time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub clients: u32,

    /// Put a pooler before Postgres, in this mode
    #[arg(long, value_name = "MODE")]
    pub pooler: Option<Mode>,

    /// Distribute the database over a coordinator and two workers of Citus, and kill each of them
    #[arg(long, conflicts_with = "pooler")]
    pub citus: bool,

    /// Succeed only when something was lost or doubled: for builds that are broken on purpose
    #[arg(long)]
    pub must_find: bool,

    /// Another server to test than the one of this checkout
    #[arg(long, env = "UNIBOOKS_CHAOS_SERVER", value_name = "FILE", default_value = env!("CARGO_BIN_EXE_unibooks"))]
    pub server: PathBuf,
}
