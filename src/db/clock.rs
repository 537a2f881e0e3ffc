//! An estimate of the database's clock.
//!
//! A write carries the time after which the database must refuse it (`not_after`). The database compares that time with
//! its own clock, and no two clocks are equal. So the server reads the database's clock with each new session and
//! each batch of payments, and adds what has passed since on its own monotonic clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sqlx::postgres::PgPoolOptions;
use sqlx::{PgExecutor, Row};

/// The last reading of the database's clock. Cheap to clone: all clones share it.
#[derive(Debug, Clone, Default)]
pub struct DatabaseClock(Arc<Mutex<Option<Reading>>>);

#[derive(Debug, Clone, Copy)]
struct Reading {
    time: DateTime<Utc>,
    /// When the answer arrived. The database read its clock before that, so a limit computed from here is never late.
    arrived: Instant,
}

impl DatabaseClock {
    /// Records the time of the database's clock in an answer that has just arrived.
    pub fn record(&self, time: DateTime<Utc>) {
        let reading = Reading { time, arrived: Instant::now() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reading);
    }

    /// The earliest time that the database's clock can show `wait` from now. Before the first reading it is 1970: a
    /// write with this limit is refused.
    #[must_use]
    pub fn after(&self, wait: Duration) -> DateTime<Utc> {
        let reading = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reading.map_or(DateTime::UNIX_EPOCH, |Reading { time, arrived }| time + arrived.elapsed() + wait)
    }

    /// Reads the clock with each new session of a pool.
    pub(super) fn read_on_connect(&self, pool: PgPoolOptions) -> PgPoolOptions {
        let clock = self.clone();
        pool.after_connect(move |session, _| {
            let clock = clock.clone();
            Box::pin(async move { clock.read(session).await.map(drop) })
        })
    }

    /// Reads the clock of the database at the other end, and returns whether rows can be written there: on a standby
    /// they cannot.
    pub(super) async fn read(&self, executor: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
        // Not prepared: a pooler may assign any session.
        let text = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint, \
                    current_setting('transaction_read_only') = 'off'";
        let row = sqlx::raw_sql(text).fetch_one(executor).await?;
        let micros: i64 = row.try_get(0)?;
        self.record(DateTime::from_timestamp_micros(micros).unwrap_or_default());
        row.try_get(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_is_the_last_reading_and_the_wait() {
        let clock = DatabaseClock::default();
        assert_eq!(clock.after(Duration::from_hours(1)), DateTime::UNIX_EPOCH, "nothing was read");
        let time = "2026-01-01T00:00:00Z".parse::<DateTime<Utc>>().expect("a time");
        clock.record(time);
        let limit = clock.clone().after(Duration::from_secs(5));
        assert!(limit >= time + Duration::from_secs(5), "{limit}");
    }
}
