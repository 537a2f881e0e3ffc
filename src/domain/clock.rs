//! The time of day, as a parameter.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, Utc};

/// Tells the time. Passed in so that tests decide what time it is.
#[derive(Clone)]
pub struct Clock {
    insert_headers: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    elapsed: Arc<dyn Fn() -> Duration + Send + Sync>,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is where the time comes from")]
    pub fn system() -> Self {
        let started = Instant::now();
        Self { insert_headers: Arc::new(Utc::now), elapsed: Arc::new(move || started.elapsed()) }
    }

    /// A clock that tells what `insert_headers` says.
    pub fn new(insert_headers: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        let insert_headers = Arc::new(insert_headers);
        let (started, told) = (insert_headers(), Arc::clone(&insert_headers));
        let elapsed = move || (told() - started).to_std().unwrap_or_default();
        Self { insert_headers, elapsed: Arc::new(elapsed) }
    }

    /// The time now, in UTC, to the microsecond: finer digits would not survive `timestamptz`, and an answer must say
    /// what was stored.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.insert_headers)().trunc_subsecs(6)
    }

    /// The time since this clock was made. The machine's never goes back, also when somebody sets its time of day.
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
