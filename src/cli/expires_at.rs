//! `--expires-at`: when a key or a token expires.

use chrono::{DateTime, Utc};

use crate::domain::{Clock, OffsetTimestamp};

/// Parses the value of the flag, by the machine's clock.
pub fn parse(text: &str) -> Result<DateTime<Utc>, String> {
    parse_at(text, Clock::system().now())
}

/// Parses a time after `now`: an RFC 3339 date-time with its offset, or a plain date, which is 00:00 UTC of that day.
fn parse_at(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let (time, assumed) = OffsetTimestamp::parse(text).map_err(|error| error.detail)?;
    if assumed.utc {
        return Err(format!("the offset is missing; write {text}Z for UTC"));
    }
    let instant = time.instant();
    if instant <= now { Err("this time is in the past".to_owned()) } else { Ok(instant) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_is_a_day_or_moment_in_the_future() {
        let now = "2026-01-01T00:00:00Z".parse().expect("a time");
        let read = |text| parse_at(text, now).map(|time| time.to_rfc3339());
        assert_eq!(read("2030-01-31"), Ok("2030-01-31T00:00:00+00:00".to_owned()));
        assert_eq!(read("2030-01-31T01:30:00+02:00"), Ok("2030-01-30T23:30:00+00:00".to_owned()));
        for (wrong, part) in [
            ("2030-01-31T00:00:60Z", "second 59"),
            ("2030-01-31T00:00:00", "offset is missing"),
            ("2026-01-01", "in the past"),
            ("2025-12-31T23:59:59Z", "in the past"),
            ("tomorrow", "not a date"),
        ] {
            assert!(read(wrong).is_err_and(|error| error.contains(part)), "{wrong}");
        }
    }
}
