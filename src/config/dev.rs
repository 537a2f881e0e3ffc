//! Settings for a first look and for development.

use std::path::PathBuf;

use clap::Args;

/// Where a private Postgres lives.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Development")]
pub struct DevSettings {
    /// The folder of the private Postgres and of the demo credentials
    ///
    /// Without it: `$XDG_DATA_HOME/unibooks`, else `~/.local/share/unibooks`; for root `/var/lib/unibooks`. No other
    /// user may be able to write to it or to a folder above it.
    #[arg(long, env = "UNIBOOKS_DATA_DIR", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,

    /// The folder that holds `postgres` and `initdb`
    ///
    /// Without it the usual places are searched. Root does not run programs that another user can replace.
    #[arg(long, env = "UNIBOOKS_POSTGRES_BIN", value_name = "FOLDER")]
    pub postgres_bin: Option<PathBuf>,
}

/// A demo project on a server with a database of its own.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Demo")]
pub struct DemoSettings {
    /// Makes a demo project, prints a `curl` for it, and keeps its credentials in this file
    ///
    /// Not for production: the credentials are in a file and in the log.
    #[arg(long, env = "UNIBOOKS_DEMO_FILE", value_name = "FILE")]
    pub demo_file: Option<PathBuf>,
}
