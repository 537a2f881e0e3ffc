//! When an event is sent again, and when an endpoint is called again.

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::RETRY_AFTER;
use chrono::{DateTime, TimeDelta, Utc};
use rand::{Rng, RngExt};

const fn minutes(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

const fn hours(hours: u64) -> Duration {
    Duration::from_hours(hours)
}

/// The wait after each failed attempt but the last, as Standard Webhooks 1.0 recommends: ten attempts in 75 h 35 min.
const WAITS: [Duration; 9] =
    [Duration::from_secs(5), minutes(5), minutes(30), hours(2), hours(5), hours(10), hours(14), hours(20), hours(24)];

/// Failures in a row after which an endpoint is called with one event at a time, and less and less often.
pub const FAILING: u32 = 3;
/// The longest wait of such an endpoint.
const LONGEST: Duration = minutes(5);
/// The longest wait that an endpoint can ask for.
const LONGEST_ASKED: Duration = hours(1);
/// How long an endpoint may fail until it is disabled.
const DISABLED_AFTER: TimeDelta = TimeDelta::days(5);

/// The wait after the `attempts`-th attempt of an event; `None` after the last. Up to a tenth is added at random, so that
/// what failed together does not come again together.
#[must_use]
pub fn next_attempt(attempts: u16, random: &mut impl Rng) -> Option<Duration> {
    let full = *WAITS.get(usize::from(attempts).checked_sub(1)?)?;
    Some(full + part(full, random))
}

/// How long an endpoint is left alone after so many failures in a row; `None` while it is called as usual.
#[must_use]
pub fn next_call(failures: u32, random: &mut impl Rng) -> Option<Duration> {
    let doublings = failures.checked_sub(FAILING)?.min(16);
    let full = (Duration::from_secs(1) * 2_u32.pow(doublings)).min(LONGEST);
    Some(full + part(full, random))
}

/// Whether an endpoint that has failed since `failing_since` is disabled.
#[must_use]
pub fn is_given_up(failing_since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - failing_since >= DISABLED_AFTER
}

/// The wait that an answer asks for (RFC 9110 section 10.2.3), at most an hour.
#[must_use]
pub fn asked(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().unwrap_or(u64::MAX));
    let wait = match seconds {
        Some(_) if text.is_empty() => return None,
        Some(seconds) => Duration::from_secs(seconds),
        None => (DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now).to_std().unwrap_or_default(),
    };
    Some(wait.min(LONGEST_ASKED))
}

/// Up to a tenth of `full`.
fn part(full: Duration, random: &mut impl Rng) -> Duration {
    let tenth = u64::try_from(full.as_millis()).unwrap_or(u64::MAX) / 10;
    Duration::from_millis(random.random_range(0..=tenth))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn ten_attempts_take_75_hours_and_35_minutes() {
        assert_eq!(WAITS.iter().sum::<Duration>(), hours(75) + minutes(35) + Duration::from_secs(5));
        let mut random = StdRng::seed_from_u64(1);
        assert!((1..=9).all(|attempts| next_attempt(attempts, &mut random).is_some()));
        assert_eq!((next_attempt(0, &mut random), next_attempt(10, &mut random)), (None, None));
    }

    proptest! {
        #[test]
        fn wait_is_the_recommended_one_and_up_to_a_tenth(attempts in 1..=9_u16, failures in 3..100_u32, seed: u64) {
            let random = &mut StdRng::seed_from_u64(seed);
            let full = WAITS[usize::from(attempts) - 1];
            let wait = next_attempt(attempts, random).expect("not the last");
            prop_assert!(full <= wait && wait <= full + full / 10, "{wait:?} of {full:?}");
            let full = Duration::from_secs(1 << (failures - 3).min(20)).min(LONGEST);
            let wait = next_call(failures, random).expect("failing");
            prop_assert!(full <= wait && wait <= full + full / 10, "{wait:?} of {full:?}");
        }
    }

    #[test]
    fn endpoint_is_called_as_usual_up_to_its_third_failure() {
        let mut random = StdRng::seed_from_u64(1);
        assert!((0..FAILING).all(|failures| next_call(failures, &mut random).is_none()));
    }

    #[test]
    fn endpoint_is_given_up_after_five_days() {
        let since = "2026-01-01T00:00:00Z".parse().expect("a time");
        assert!(!is_given_up(since, "2026-01-05T23:59:59Z".parse().expect("a time")));
        assert!(is_given_up(since, "2026-01-06T00:00:00Z".parse().expect("a time")));
    }

    #[test]
    fn asked_wait_is_read_in_both_forms_and_bounded() {
        let now = "2026-11-26T19:00:00Z".parse().expect("a time");
        let asked =
            |text: &'static str| asked(&[(RETRY_AFTER, HeaderValue::from_static(text))].into_iter().collect(), now);
        for (text, wait) in [
            ("7", Some(7)),
            ("0", Some(0)),
            ("3601", Some(3_600)),
            ("99999999999999999999", Some(3_600)),
            ("Thu, 26 Nov 2026 19:02:00 GMT", Some(120)),
            ("Thu, 26 Nov 2020 19:02:00 GMT", Some(0)),
            ("", None),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(asked(text), wait.map(Duration::from_secs), "{text}");
        }
        assert_eq!(super::asked(&HeaderMap::new(), now), None);
    }
}
