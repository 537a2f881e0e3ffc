//! Dates and times with the UTC offset that the client wrote.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, SecondsFormat, SubsecRound, Timelike, Utc};
use serde::{Serialize, Serializer};

use super::ParseError;

/// A moment with the offset that the client wrote.
///
/// An accounting date is first of all a calendar date: `2024-06-15T23:30:00-05:00` means the 15th, although it is the
/// 16th in UTC. The offset is therefore part of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetTimestamp(DateTime<FixedOffset>);

/// Assumptions made while parsing an [`OffsetTimestamp`]; the client may have meant something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assumed {
    /// A date-time had no offset and was read as UTC.
    pub utc: bool,
    /// Digits finer than a microsecond were dropped.
    pub microseconds: bool,
}

impl OffsetTimestamp {
    /// Reads an RFC 3339 date-time, a date-time without offset (UTC) or a plain date (midnight UTC).
    ///
    /// # Errors
    /// `invalid_date_time`.
    pub fn parse(text: &str) -> Result<(Self, Assumed), ParseError> {
        let refused = |detail| Err(ParseError::new("invalid_date_time", detail));
        let is_date = text.len() == "2024-06-15".len();
        let (parsed, utc) = match DateTime::parse_from_rfc3339(text) {
            Ok(parsed) => (parsed, false),
            Err(_) => {
                match DateTime::parse_from_rfc3339(&format!("{text}{}", if is_date { "T00:00:00Z" } else { "Z" })) {
                    Ok(parsed) => (parsed, !is_date),
                    Err(_) => {
                        return refused(
                            "not a date; write 2024-06-15T12:00:00Z, 2024-06-15T12:00:00+02:00 or 2024-06-15",
                        );
                    }
                }
            }
        };
        // chrono writes second 60 as nanoseconds beyond the 59th; Postgres would move it into the next minute.
        if parsed.nanosecond() >= 1_000_000_000 {
            return refused("leap seconds cannot be stored; write second 59");
        }
        // Checked in UTC too, because most answers are in UTC, and RFC 3339 has only years of four digits.
        if parsed.year() < 1 || !(1..=9999).contains(&parsed.to_utc().year()) {
            return refused("the year must be from 0001 to 9999, in UTC too");
        }
        let kept = parsed.trunc_subsecs(6);
        Ok((Self(kept), Assumed { utc, microseconds: kept != parsed }))
    }

    /// Restores a value from its stored instant and offset (minutes east of UTC). `None` when the offset is a day or
    /// more.
    #[must_use]
    pub fn from_parts(instant: DateTime<Utc>, offset_minutes: i16) -> Option<Self> {
        Some(Self(instant.with_timezone(&FixedOffset::east_opt(i32::from(offset_minutes) * 60)?)))
    }

    /// The instant.
    #[must_use]
    pub fn instant(self) -> DateTime<Utc> {
        self.0.to_utc()
    }

    /// The calendar date that the client wrote: the instant at its own offset.
    #[must_use]
    pub fn calendar_date(self) -> NaiveDate {
        self.0.date_naive()
    }

    /// The written offset, in minutes east of UTC. RFC 3339 has no finer offsets.
    #[must_use]
    pub fn offset_minutes(self) -> i16 {
        i16::try_from(self.0.offset().local_minus_utc() / 60).unwrap_or(0)
    }
}

impl Serialize for OffsetTimestamp {
    /// RFC 3339 with capital `T` and `Z`, seconds, and 0, 3 or 6 digits of a fraction (contract §1.3).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(text: &str) -> String {
        let (time, _) = OffsetTimestamp::parse(text).expect(text);
        let stored = OffsetTimestamp::from_parts(time.instant(), time.offset_minutes()).expect("an offset below a day");
        assert_eq!(stored, time);
        serde_json::to_value(stored).expect("a string").as_str().expect("a string").to_owned()
    }

    #[test]
    fn written_calendar_date_and_offset_are_kept() {
        assert_eq!(round_trip("2024-06-15T23:30:00-05:00"), "2024-06-15T23:30:00-05:00");
        assert_eq!(round_trip("2024-06-15T00:30:00+05:45"), "2024-06-15T00:30:00+05:45");
        assert_eq!(round_trip("2024-06-15"), "2024-06-15T00:00:00Z");
        assert_eq!(round_trip("2024-06-15T12:00:00"), "2024-06-15T12:00:00Z");
        assert_eq!(round_trip("2024-06-15t12:00:00.5z"), "2024-06-15T12:00:00.500Z");
    }

    #[test]
    fn assumptions_are_reported() {
        let assumed = |text| OffsetTimestamp::parse(text).expect(text).1;
        assert_eq!(assumed("2024-06-15T12:00:00"), Assumed { utc: true, microseconds: false });
        assert_eq!(assumed("2024-06-15T12:00:00.1234567Z"), Assumed { utc: false, microseconds: true });
        assert_eq!(assumed("2024-06-15"), Assumed { utc: false, microseconds: false });
    }

    #[test]
    fn text_that_is_no_date_is_refused() {
        for text in [
            "",
            "yesterday",
            "2024-13-01",
            "2024-02-30",
            "2024-6-15",
            "15.06.2024",
            "1718452800",
            "2024-06-15T12:00",
            "2024-06-15T25:00:00Z",
            "2024-06-15T23:59:60Z",
            "0000-01-01",
            "0001-01-01T00:00:00+05:00",
            "9999-12-31T23:59:59-05:00",
            "2024-06-15T12:00:00+24:00",
            "2024-06-15Z",
        ] {
            assert_eq!(OffsetTimestamp::parse(text).map_err(|error| error.code), Err("invalid_date_time"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_and_offset_survives(
            seconds in -62_135_510_400i64..253_402_128_000, micros in 0u32..1_000_000, offset in -1_439i32..=1_439,
        ) {
            let offset = FixedOffset::east_opt(offset * 60).expect("below a day");
            let written = DateTime::from_timestamp(seconds, micros * 1_000).expect("in range").with_timezone(&offset);
            prop_assert_eq!(
                DateTime::parse_from_rfc3339(&round_trip(&written.to_rfc3339())).expect("RFC 3339"), written
            );
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = OffsetTimestamp::parse(&text);
        }
    }
}
