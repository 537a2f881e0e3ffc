//! Settings for a first look and for development.

use std::path::PathBuf;

use clap::Args;

/// Where a private Postgres lives.
#[derive(Debug, Clone, Args)]
pub struct DevSettings {
    /// Where the database and the demo credentials are kept; ~/.local/share/unibooks when not set
    #[arg(long, env = "UNIBOOKS_DATA_DIR", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,

    /// The folder that holds `postgres` and `initdb`; searched for when not set
    #[arg(long, env = "UNIBOOKS_POSTGRES_BIN", value_name = "FOLDER")]
    pub postgres_bin: Option<PathBuf>,
}

/// A demo project on a server with a database of its own.
#[derive(Debug, Clone, Args)]
pub struct DemoSettings {
    /// Make a demo project, print a `curl` for it, and keep its credentials in this file; not for production
    #[arg(long, env = "UNIBOOKS_DEMO_FILE", value_name = "FILE")]
    pub demo_file: Option<PathBuf>,
}
