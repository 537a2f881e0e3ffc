//! Captures the log of the server, line by line.

use std::io;
use std::sync::{Arc, Mutex, Once};

use serde_json::Value;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

/// Captures what this thread logs, as the JSON lines that `serve` would write. For tests that run on one thread.
pub struct Logs {
    buffer: Buffer,
    _until_dropped: DefaultGuard,
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Logs {
    /// Starts to capture the events that a filter accepts, for example `trace`.
    pub fn catch(filter: &str) -> Self {
        // With a single subscriber, `tracing` decides once, on the first thread that reaches a log line, whether the
        // line is enabled. On a thread of another test it is not, and would stay disabled for good.
        static SECOND: Once = Once::new();
        SECOND
            .call_once(|| tracing::subscriber::set_global_default(tracing_subscriber::registry()).expect("the first"));
        let buffer = Buffer::default();
        // The same layer as in `telemetry`.
        let json = json_subscriber::layer().flatten_event(true).with_span_list(false);
        let subscriber =
            tracing_subscriber::registry().with(EnvFilter::new(filter)).with(json.with_writer(buffer.clone()));
        Self { buffer, _until_dropped: tracing::subscriber::set_default(subscriber) }
    }

    /// The text captured so far.
    pub fn text(&self) -> String {
        String::from_utf8(self.buffer.0.lock().expect("a buffer").clone()).expect("UTF-8")
    }

    /// The lines captured so far, parsed.
    pub fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }

    /// Drops what was captured so far.
    pub fn clear(&self) {
        self.buffer.0.lock().expect("a buffer").clear();
    }
}

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("a buffer").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Buffer {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
