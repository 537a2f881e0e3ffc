//! Counts the answers of one side in its window, in the same way for the server and for pgbench.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::options::Window;

/// The significant digits of a latency.
const DIGITS: u8 = 3;

/// The number of answers, and the latencies of those within the window.
#[derive(Debug)]
pub struct Tally {
    /// All answers, including those of the warm-up and those after the window.
    pub answers: u64,
    nanoseconds: Histogram<u64>,
    window: Window,
    last: Duration,
}

impl Tally {
    /// An empty tally.
    pub fn new(window: Window) -> Self {
        let nanoseconds = Histogram::new(DIGITS).expect("a valid number of digits");
        Self { answers: 0, nanoseconds, window, last: Duration::ZERO }
    }

    /// Adds an answer. `at` is the moment at which it counts, since the start of the warm-up.
    pub fn add(&mut self, at: Duration, took: Duration) -> anyhow::Result<()> {
        self.answers += 1;
        self.last = self.last.max(at);
        if at >= self.window.warm_up && at < self.window.whole() {
            self.nanoseconds.record(u64::try_from(took.as_nanos())?)?;
        }
        Ok(())
    }

    /// Whether an answer came after the end of the window, so that the window is covered completely.
    pub fn is_whole(&self) -> bool {
        self.last >= self.window.whole()
    }

    /// The number of answers within the window.
    pub fn counted(&self) -> u64 {
        self.nanoseconds.len()
    }

    /// The rate of answers within the window, per second.
    pub fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a count of seconds' work")]
        let counted = self.counted() as f64;
        counted / self.window.measured.as_secs_f64()
    }

    /// The quantile of the latencies for a share between 0 and 1, in milliseconds.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        Duration::from_nanos(self.nanoseconds.value_at_quantile(share)).as_secs_f64() * 1e3
    }
}
