//! Logs.

use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use anyhow::Context;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, LogSettings};

/// Starts logging to standard error: human on a terminal, one JSON object a line elsewhere.
///
/// # Errors
/// When the filter cannot be read.
pub fn init(settings: &LogSettings) -> anyhow::Result<()> {
    // Postgres' notices ("already exists, skipping") are no news to an operator; `--log` may ask for them.
    let filter = EnvFilter::try_new(format!("sqlx::postgres::notice=warn,{}", settings.log))
        .with_context(|| format!("UNIBOOKS_LOG: `{}` is not a log filter; try `info`", settings.log))?;
    let human = match settings.log_format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Human => true,
        LogFormat::Json => false,
    };
    let registry = tracing_subscriber::registry().with(filter);
    if human {
        let colors = std::io::stderr().is_terminal();
        registry.with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colors)).try_init()?;
    } else {
        let json = tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false);
        registry.with(json.with_writer(std::io::stderr)).try_init()?;
    }
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// One structured line where the panic happened, inside the span of its request, in place of free text.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("without a message");
    let place = panic.location().map(ToString::to_string);
    tracing::error!(panic = message, place, "panicked");
}
