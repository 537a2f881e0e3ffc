//! How much the threads that answer calls wait for a processor.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::time::Instant;

/// The least time between two looks.
const INTERVAL: Duration = Duration::from_millis(100);
/// Where Linux counts how long threads of this process ran and waited (`sched-stats.rst` of its documentation).
const THREADS: &str = "/proc/self/task";

/// The pressure on the processors, as calls feel it. Cheap to clone: all clones share their looks.
///
/// Only Linux counts how long a thread waits. Elsewhere there is no pressure.
#[derive(Debug, Clone)]
pub struct Pressure(Arc<State>);

struct State {
    /// How long all these threads have waited so far.
    waited: Box<dyn Fn() -> Duration + Send + Sync>,
    processors: u32,
    last: Mutex<Look>,
}

/// A look at the time that threads have waited.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Instant,
    waited: Duration,
    /// How many of them waited, on average since the look before, in thousandths.
    waiting: u32,
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("State").field("last", &self.last).finish_non_exhaustive()
    }
}

impl Pressure {
    /// No pressure at all.
    #[must_use]
    pub fn none() -> Self {
        Self::counted(|| Duration::ZERO, 1)
    }

    /// That on the threads that the process has now. Those that it starts later do not count.
    #[must_use]
    pub fn on_threads_so_far() -> Self {
        let files = threads();
        let processors = available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX));
        Self::counted(move || files.iter().filter_map(waited).sum(), processors)
    }

    /// That on threads of which `waited` says how long they have waited so far.
    pub fn counted(waited: impl Fn() -> Duration + Send + Sync + 'static, processors: u32) -> Self {
        let look = Look { at: Instant::now(), waited: waited(), waiting: 0 };
        Self(Arc::new(State { waited: Box::new(waited), processors: processors.max(1), last: Mutex::new(look) }))
    }

    /// How many of the threads wait for each processor, in thousandths: 1,000 when there is always one.
    #[must_use]
    pub fn level(&self) -> u32 {
        let State { waited, processors, last } = &*self.0;
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = last.at.elapsed();
        if passed >= INTERVAL {
            let waited = waited();
            let thousandths = waited.saturating_sub(last.waited).as_micros() * 1_000 / passed.as_micros();
            let waiting = u32::try_from(thousandths).unwrap_or(u32::MAX);
            *last = Look { at: Instant::now(), waited, waiting };
        }
        last.waiting / processors
    }

    /// How many processors there are.
    #[must_use]
    pub fn processors(&self) -> u32 {
        self.0.processors
    }
}

/// The files of the threads that the process has now.
fn threads() -> Vec<PathBuf> {
    let Ok(threads) = std::fs::read_dir(THREADS) else { return Vec::new() };
    threads.flatten().map(|thread| thread.path().join("schedstat")).collect()
}

/// How long a thread has waited for a processor: the second number of its file, in nanoseconds. None when it has ended.
fn waited(file: &PathBuf) -> Option<Duration> {
    let text = std::fs::read_to_string(file).ok()?;
    text.split_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn level_is_the_time_that_threads_waited_for_each_processor() {
        let waited = Arc::new(AtomicU64::new(5_000));
        let counter = Arc::clone(&waited);
        let pressure = Pressure::counted(move || Duration::from_millis(counter.load(Ordering::Relaxed)), 2);
        waited.fetch_add(50, Ordering::Relaxed);
        assert_eq!(pressure.level(), 0, "the last look is not long ago");
        tokio::time::advance(INTERVAL).await;
        assert_eq!(pressure.level(), 250);
        tokio::time::advance(INTERVAL).await;
        assert_eq!(pressure.level(), 0, "none has waited since");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_counts_how_long_threads_wait() {
        let files = threads();
        assert!(!files.is_empty());
        // Other threads of the tests may end in between.
        assert!(files.iter().any(|file| waited(file).is_some()));
    }
}
