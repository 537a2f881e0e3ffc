//! Logging.

mod log_queue;

use std::io::IsTerminal;
use std::panic::PanicHookInfo;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use self::log_queue::LogQueue;

pub use self::log_queue::DROPPED_LINES;

/// How long the process waits for the reader of the log before it ends.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// The queue of this process; empty until [`init`].
static QUEUE: OnceLock<Arc<LogQueue>> = OnceLock::new();

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// `human` on a terminal, `json` elsewhere
    Auto,
    /// For people
    Human,
    /// One JSON object a line
    Json,
}

/// Kept while the process runs. Dropping it, also in a panic, waits until the log is written, for at most a second.
#[derive(Debug)]
#[must_use = "the last lines are lost without it"]
pub struct Logging(Arc<LogQueue>);

impl Logging {
    /// Writes a line without a level or time: the one that says why the program ends.
    pub fn line(&self, text: &str) {
        self.0.push(format!("{text}\n").as_bytes());
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.0.flush(FLUSH_LIMIT);
    }
}

/// Waits until the log is written, for at most a second. For code that ends the process without returning to `main`.
pub fn flush() {
    if let Some(queue) = QUEUE.get() {
        queue.flush(FLUSH_LIMIT);
    }
}

/// Starts logging to standard error: human on a terminal, one JSON object a line elsewhere.
///
/// # Errors
/// When the filter is invalid, or when logging was started before.
pub fn init(filter: &str, format: LogFormat) -> anyhow::Result<Logging> {
    // Notices of Postgres ("already exists, skipping") are of no interest to an operator; `--log` can enable them.
    let events = EnvFilter::try_new(format!("sqlx::postgres::notice=warn,{filter}"))
        .with_context(|| format!("UNIBOOKS_LOG: `{filter}` is not a log filter; try `info`"))?;
    let human = match format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Human => true,
        LogFormat::Json => false,
    };
    let queue = LogQueue::start(std::io::stderr()).context("the thread that writes the log was not started")?;
    let registry = tracing_subscriber::registry().with(events);
    if human {
        let colors = std::io::stderr().is_terminal();
        registry.with(tracing_subscriber::fmt::layer().with_writer(Arc::clone(&queue)).with_ansi(colors)).try_init()?;
    } else {
        let json = json_subscriber::layer().flatten_event(true).with_span_list(false);
        registry.with(json.with_writer(Arc::clone(&queue))).try_init()?;
    }
    std::panic::set_hook(Box::new(log_panic));
    QUEUE.set(Arc::clone(&queue)).ok();
    Ok(Logging(queue))
}

/// Logs a panic as one structured line, inside the span of its request, instead of free text.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("without a message");
    let place = panic.location().map(ToString::to_string);
    tracing::error!(panic = message, place, "panicked");
}
