//! The values of time filters: a calendar date or a moment.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::Serialize;

use super::{OffsetTimestamp, ParseError};

/// A plain date, which means a whole day in UTC, or a date-time, which means a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum DateOrMoment {
    /// `2024-06-15`
    Date(NaiveDate),
    /// `2024-06-15T12:00:00+02:00`
    Moment(DateTime<Utc>),
}

impl DateOrMoment {
    /// The moment, or the first microsecond of the date in UTC.
    #[must_use]
    pub fn first_moment(self) -> DateTime<Utc> {
        match self {
            Self::Date(date) => date.and_time(NaiveTime::MIN).and_utc(),
            Self::Moment(moment) => moment,
        }
    }

    /// The moment, or the last microsecond of the date in UTC.
    #[must_use]
    pub fn last_moment(self) -> DateTime<Utc> {
        match self {
            Self::Date(_) => self.first_moment() + TimeDelta::days(1) - TimeDelta::microseconds(1),
            Self::Moment(moment) => moment,
        }
    }
}

impl FromStr for DateOrMoment {
    type Err = ParseError;

    /// The texts that [`OffsetTimestamp::parse`] reads.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (time, _) = OffsetTimestamp::parse(text)?;
        let is_date = text.len() == "2024-06-15".len();
        Ok(if is_date { Self::Date(time.calendar_date()) } else { Self::Moment(time.instant()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_date_is_a_whole_day_of_utc() {
        let day: DateOrMoment = "2024-02-29".parse().expect("a date");
        assert_eq!(day.first_moment().to_rfc3339(), "2024-02-29T00:00:00+00:00");
        assert_eq!(day.last_moment().to_rfc3339(), "2024-02-29T23:59:59.999999+00:00");
        let last: DateOrMoment = "9999-12-31".parse().expect("a date");
        assert!(last.first_moment() < last.last_moment());
    }

    #[test]
    fn date_time_is_a_moment() {
        let noon: DateOrMoment = "2024-02-29T14:00:00+02:00".parse().expect("a moment");
        assert_eq!(noon.first_moment().to_rfc3339(), "2024-02-29T12:00:00+00:00");
        assert_eq!(noon.last_moment(), noon.first_moment());
    }
}
