//! What the calls of an endpoint show of it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng;

use super::schedule;

/// Whether an endpoint takes what it is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Calls that failed since the last one that succeeded.
    pub failures: u32,
    /// When the first of them was made.
    pub failing_since: Option<DateTime<Utc>>,
    /// When the last call succeeded.
    pub last_success_at: Option<DateTime<Utc>>,
    /// It is not called before.
    pub due_at: Option<DateTime<Utc>>,
}

impl Health {
    /// Whether it is called with one event at a time only.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.failures >= schedule::FAILING
    }

    /// Counts a call that succeeded.
    pub fn succeed(&mut self, now: DateTime<Utc>) {
        *self = Self { last_success_at: Some(now), ..Self::default() };
    }

    /// Counts a call that failed. The answer may have asked for a wait.
    pub fn fail(&mut self, now: DateTime<Utc>, asked: Option<Duration>, random: &mut impl Rng) {
        self.failures = self.failures.saturating_add(1);
        self.failing_since.get_or_insert(now);
        let wait = schedule::next_call(self.failures, random).max(asked);
        self.due_at = wait.map(|wait| now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX)).max(self.due_at);
    }

    /// Whether it is disabled, since nothing has arrived for days.
    #[must_use]
    pub fn is_given_up(&self, now: DateTime<Utc>) -> bool {
        self.failing_since.is_some_and(|since| schedule::is_given_up(since, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn one_success_ends_all_failures() {
        let mut health = Health::default();
        for call in 0..20 {
            health.fail(at(call), None, &mut rand::rng());
        }
        assert_eq!((health.failures, health.failing_since, health.is_failing()), (20, Some(at(0)), true));
        assert!(health.due_at > Some(at(19)));
        assert!(!health.is_given_up(at(5 * 86_400 - 1)) && health.is_given_up(at(5 * 86_400)));
        health.succeed(at(30));
        assert_eq!(health, Health { last_success_at: Some(at(30)), ..Health::default() });
        assert!(!health.is_given_up(at(i64::from(u32::MAX))));
    }

    #[test]
    fn asked_wait_counts_from_the_first_failure() {
        let mut health = Health::default();
        health.fail(at(0), None, &mut rand::rng());
        assert_eq!(health.due_at, None);
        health.fail(at(1), Some(Duration::from_mins(1)), &mut rand::rng());
        assert_eq!(health.due_at, Some(at(61)));
        health.fail(at(2), None, &mut rand::rng());
        assert_eq!(health.due_at, Some(at(61)), "a shorter wait does not end it");
    }
}
