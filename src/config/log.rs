//! Settings of the log.

use clap::Args;

use crate::telemetry::LogFormat;

/// What is logged, and how.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Log")]
pub struct LogSettings {
    /// What to log: a level, or a filter like `unibooks=debug,sqlx=warn`
    ///
    /// The levels are `off`, `error`, `warn`, `info`, `debug` and `trace`.
    #[arg(long, env = "UNIBOOKS_LOG", default_value = "info", global = true, value_name = "FILTER")]
    pub log: String,

    /// The form of log lines
    #[arg(long, env = "UNIBOOKS_LOG_FORMAT", default_value = "auto", global = true, value_name = "FORMAT")]
    pub log_format: LogFormat,
}
