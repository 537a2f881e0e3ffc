//! What a side has done in its window: counted alike for the server and for pgbench.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::options::Window;

/// Latencies are kept with this many digits.
const DIGITS: u8 = 3;

/// Answers, and the latencies of those that count.
#[derive(Debug)]
pub struct Tally {
    /// All answers, also those of the warm-up and those behind the window.
    pub answers: u64,
    nanoseconds: Histogram<u64>,
    window: Window,
    last: Duration,
}

impl Tally {
    /// Nothing yet.
    pub fn new(window: Window) -> Self {
        let nanoseconds = Histogram::new(DIGITS).expect("so many digits can be kept");
        Self { answers: 0, nanoseconds, window, last: Duration::ZERO }
    }

    /// Adds an answer. `at` is when it counts, from the start of the warm-up.
    pub fn add(&mut self, at: Duration, took: Duration) -> anyhow::Result<()> {
        self.answers += 1;
        self.last = self.last.max(at);
        if at >= self.window.warm_up && at < self.window.whole() {
            self.nanoseconds.record(u64::try_from(took.as_nanos())?)?;
        }
        Ok(())
    }

    /// Whether answers came until the end of the window and beyond.
    pub fn is_whole(&self) -> bool {
        self.last >= self.window.whole()
    }

    /// Answers within the window.
    pub fn counted(&self) -> u64 {
        self.nanoseconds.len()
    }

    /// The same a second.
    pub fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a count of seconds' work")]
        let counted = self.counted() as f64;
        counted / self.window.measured.as_secs_f64()
    }

    /// The latency that a share of the answers kept within, in milliseconds.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        Duration::from_nanos(self.nanoseconds.value_at_quantile(share)).as_secs_f64() * 1e3
    }
}
