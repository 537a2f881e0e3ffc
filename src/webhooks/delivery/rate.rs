//! How many events are sent while calls wait for a processor.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::pressure::Pressure;

/// The rest after an event, on one processor, while a call always waits for it. A delivery costs about 0.4 ms of
/// processor time, in the server, in the database and at a local receiver. Beside many creates, calls wait for a third of
/// the time. So deliveries get about a tenth of the processors.
const REST_PER_EVENT: Duration = Duration::from_millis(10);
/// The longest rest.
const LONGEST_REST: Duration = Duration::from_secs(2);

/// When the next events may be sent. Cheap to clone: all clones share it.
#[derive(Debug, Clone)]
pub struct Rate {
    pressure: Pressure,
    next: Arc<Mutex<Instant>>,
}

impl Rate {
    /// As fast as calls allow that feel this pressure.
    #[must_use]
    pub fn under(pressure: Pressure) -> Self {
        Self { pressure, next: Arc::new(Mutex::new(Instant::now())) }
    }

    /// Waits until more events may be sent.
    pub async fn turn(&self) {
        let next = *self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if next > Instant::now() {
            sleep_until(next).await;
        }
    }

    /// So many events are sent now.
    pub fn count(&self, events: usize) {
        let events = u32::try_from(events).unwrap_or(u32::MAX);
        let always = REST_PER_EVENT.saturating_mul(events) / self.pressure.processors();
        let rest = always.saturating_mul(self.pressure.level()) / 1_000;
        let now = Instant::now();
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = (next.max(now) + rest).min(now + LONGEST_REST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rest after so many events, when calls wait for this part of the time on two processors.
    async fn rest_after(events: &[usize], waited: Duration) -> Duration {
        let start = Instant::now();
        let pressure = Pressure::counted(move || if start.elapsed().is_zero() { Duration::ZERO } else { waited }, 2);
        let rate = Rate::under(pressure);
        tokio::time::advance(Duration::from_secs(1)).await;
        let before = Instant::now();
        for events in events {
            rate.count(*events);
        }
        rate.turn().await;
        before.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn events_rest_longer_the_more_calls_wait() {
        assert_eq!(rest_after(&[250], Duration::ZERO).await, Duration::ZERO);
        assert_eq!(rest_after(&[100], Duration::from_secs(1)).await, Duration::from_millis(250));
        assert_eq!(rest_after(&[100], Duration::from_secs(2)).await, Duration::from_millis(500));
    }

    #[tokio::test(start_paused = true)]
    async fn rests_add_up_and_have_an_end() {
        assert_eq!(rest_after(&[100, 60], Duration::from_secs(1)).await, Duration::from_millis(400));
        assert_eq!(rest_after(&[1_000, 1_000], Duration::from_secs(2)).await, LONGEST_REST);
    }
}
