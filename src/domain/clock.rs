//! The clock, passed in as a parameter.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, Utc};

/// A source of time. It is a parameter so that tests decide what time it is.
#[derive(Clone)]
pub struct Clock {
    time_of_day: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    elapsed: Arc<dyn Fn() -> Duration + Send + Sync>,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn system() -> Self {
        let started = Instant::now();
        Self { time_of_day: Arc::new(Utc::now), elapsed: Arc::new(move || started.elapsed()) }
    }

    /// A clock that reads `time_of_day`.
    pub fn new(time_of_day: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        let time_of_day = Arc::new(time_of_day);
        let (started, current) = (time_of_day(), Arc::clone(&time_of_day));
        let elapsed = move || (current() - started).to_std().unwrap_or_default();
        Self { time_of_day, elapsed: Arc::new(elapsed) }
    }

    /// The current time in UTC, to the microsecond. `timestamptz` does not store finer digits, and an answer must show
    /// what was stored.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.time_of_day)().trunc_subsecs(6)
    }

    /// The time since this clock was created. The machine's clock is monotonic: setting its time of day does not move it.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        (self.elapsed)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}
