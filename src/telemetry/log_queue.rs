//! The queue between those who log and standard error: whoever reads the log may stall, the server may not.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

/// The most bytes that wait to be written. As many again may be on their way out.
const MOST: usize = 1_024 * 1_024;

/// How long the thread waits after the first line for others: a busy server then wakes it some hundred times a second and
/// not with each request.
const GATHER: Duration = Duration::from_millis(5);

/// Counts the lines that nobody will read.
pub const DROPPED_LINES: &str = "unibooks_log_lines_dropped_total";

/// Lines that wait for a thread of their own to write them. What does not fit is dropped and counted; the thread logs
/// the count as soon as it can write again.
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
    /// Lines that did not fit since the thread last took what waited.
    dropped: u64,
}

impl LogQueue {
    /// Starts the thread that writes to `output`.
    ///
    /// # Errors
    /// When the system starts no more threads.
    pub fn start(output: impl Write + Send + 'static) -> io::Result<Arc<Self>> {
        let queue = Arc::new(Self::default());
        let shared = Arc::clone(&queue);
        let thread = thread::Builder::new().name("log".to_owned()).spawn(move || shared.write_to(output))?;
        // Set once, before anybody else has the queue.
        queue.writer.set(thread.thread().id()).ok();
        Ok(queue)
    }

    /// Adds a whole line, with its end. Never waits for the reader.
    pub fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        // The thread's own line, the count of what was dropped, always fits.
        if state.waiting.len() + line.len() > MOST && self.writer.get() != Some(&thread::current().id()) {
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

    /// Waits until all is written, at most as long as `limit`: a reader that stalls must not keep the process.
    pub fn flush(&self, limit: Duration) {
        let is_busy = |state: &mut State| state.is_writing || !state.waiting.is_empty();
        drop(self.changed.wait_timeout_while(self.lock(), limit, is_busy));
    }

    fn write_to(&self, mut output: impl Write) {
        let mut batch = Vec::new();
        loop {
            let dropped = self.take(&mut batch);
            if dropped > 0 {
                // Stands right after the lines that did fit.
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

    /// Waits for lines and a moment for more, and moves them to `batch`, which is empty. How many did not fit after them.
    fn take(&self, batch: &mut Vec<u8>) -> u64 {
        let is_idle = |state: &mut State| state.waiting.is_empty();
        drop(self.changed.wait_while(self.lock(), is_idle).unwrap_or_else(PoisonError::into_inner));
        thread::sleep(GATHER);
        let mut state = self.lock();
        mem::swap(&mut state.waiting, batch);
        state.is_writing = true;
        mem::take(&mut state.dropped)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock leaves it half done.
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
