//! Settings of the log.

use clap::Args;

use crate::telemetry::LogFormat;

/// What is logged, and how.
#[derive(Debug, Clone, Args)]
pub struct LogSettings {
    /// What to log: a level, or a filter like `unibooks=debug,sqlx=warn`
    #[arg(long, env = "UNIBOOKS_LOG", default_value = "info", global = true, value_name = "FILTER")]
    pub log: String,

    /// How to log
    #[arg(long, env = "UNIBOOKS_LOG_FORMAT", default_value = "auto", global = true, value_name = "FORMAT")]
    pub log_format: LogFormat,
}
