//! The queue between the code that logs and standard error. The reader of the log may stall; the server must not.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

/// The most bytes that wait to be written. As many again may be in the batch that is being written.
const MAX_BYTES: usize = 1_024 * 1_024;

/// How long the thread waits for further lines after the first. A busy server then wakes it about a hundred times a second
/// instead of once per request.
const BATCH_DELAY: Duration = Duration::from_millis(5);

/// Counts dropped lines.
pub const DROPPED_LINES: &str = "unibooks_log_lines_dropped_total";

/// Log lines that a separate thread writes. Lines that do not fit are dropped and counted; the thread logs the count as
/// soon as it can write again.
#[derive(Debug, Default)]
pub struct LogQueue {
    state: Mutex<State>,
    changed: Condvar,
    writer: OnceLock<ThreadId>,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    is_writing: bool,
    /// Lines dropped since the thread last took a batch.
    dropped: u64,
}

impl LogQueue {
    /// Starts the thread that writes to `output`.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn start(output: impl Write + Send + 'static) -> io::Result<Arc<Self>> {
        let queue = Arc::new(Self::default());
        let shared = Arc::clone(&queue);
        let thread = thread::Builder::new().name("log".to_owned()).spawn(move || shared.write_to(output))?;
        // Set before the queue is shared with anything that logs.
        queue.writer.set(thread.thread().id()).ok();
        Ok(queue)
    }

    /// Adds a whole line with its line break. Never waits for the reader.
    pub fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        // The thread's own line, the count of dropped lines, always fits.
        if state.waiting.len() + line.len() > MAX_BYTES && self.writer.get() != Some(&thread::current().id()) {
            state.dropped += 1;
            drop(state);
            metrics::counter!(DROPPED_LINES).increment(1);
            return;
        }
        let is_first = state.waiting.is_empty();
        state.waiting.extend_from_slice(line);
        drop(state);
        if is_first {
            self.changed.notify_all();
        }
    }

    /// Waits until everything is written, but no longer than `limit`: a stalled reader must not keep the process alive.
    pub fn flush(&self, limit: Duration) {
        let is_busy = |state: &mut State| state.is_writing || !state.waiting.is_empty();
        drop(self.changed.wait_timeout_while(self.lock(), limit, is_busy));
    }

    fn write_to(&self, mut output: impl Write) {
        let mut batch = Vec::new();
        loop {
            let dropped = self.take(&mut batch);
            if dropped > 0 {
                // This line comes directly after the lines that did fit.
                tracing::warn!(lines = dropped, "log lines were dropped: the reader of the log is too slow");
            }
            if output.write_all(&batch).is_err() {
                let lines = batch.split_inclusive(|byte| *byte == b'\n').count();
                metrics::counter!(DROPPED_LINES).increment(lines as u64);
            }
            batch.clear();
            self.lock().is_writing = false;
            self.changed.notify_all();
        }
    }

    /// Waits for lines, and a moment for more, and moves them to `batch`, which is empty. Returns how many were dropped.
    fn take(&self, batch: &mut Vec<u8>) -> u64 {
        let is_idle = |state: &mut State| state.waiting.is_empty();
        drop(self.changed.wait_while(self.lock(), is_idle).unwrap_or_else(PoisonError::into_inner));
        thread::sleep(BATCH_DELAY);
        let mut state = self.lock();
        mem::swap(&mut state.waiting, batch);
        state.is_writing = true;
        mem::take(&mut state.dropped)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock leaves no inconsistent state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for &LogQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
