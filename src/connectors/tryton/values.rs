//! Values as Tryton writes them in JSON: an object with its class for all that JSON has no type for.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::connectors::decimal;
use crate::domain::{AccountingDate, Currency, MinorUnits, RemoteId};

/// The most decimal digits of an exchange rate that is worked out from two amounts.
pub const RATE_DIGITS: u32 = 12;

/// `{"__class__": "Decimal", "decimal": "100.00"}`
#[derive(Debug, Deserialize)]
pub struct Decimal {
    pub decimal: String,
}

impl Decimal {
    /// The amount in minor units (ISO 4217); `None` where it is finer than those.
    pub fn minor_units(&self, currency: Currency) -> Option<MinorUnits> {
        decimal::minor_units(&self.decimal, currency.minor_units()?)
    }

    /// The number itself.
    pub fn number(&self) -> Option<rust_decimal::Decimal> {
        rust_decimal::Decimal::from_str_exact(&self.decimal).ok()
    }
}

/// The other way: a decimal text for Tryton.
pub fn decimal(text: &str) -> Value {
    json!({"__class__": "Decimal", "decimal": text})
}

/// `{"__class__": "date", "year": 2026, "month": 11, "day": 26}`
#[derive(Debug, Deserialize)]
pub struct Date {
    year: i32,
    month: u32,
    day: u32,
}

impl Date {
    /// The date; `None` where there is no such day.
    pub fn naive(&self) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(self.year, self.month, self.day)
    }

    /// The same for our answers.
    pub fn accounting(&self) -> Option<AccountingDate> {
        self.naive().map(AccountingDate)
    }
}

/// The other way: a date for Tryton.
pub fn date(date: NaiveDate) -> Value {
    use chrono::Datelike;
    json!({"__class__": "date", "year": date.year(), "month": date.month(), "day": date.day()})
}

/// `{"__class__": "datetime", "year": 2026, …, "microsecond": 408435}`, in UTC.
#[derive(Debug, Deserialize)]
pub struct DateTimeOfDay {
    #[serde(flatten)]
    date: Date,
    hour: u32,
    minute: u32,
    second: u32,
    microsecond: u32,
}

impl DateTimeOfDay {
    /// The moment; `None` where there is none such.
    pub fn utc(&self) -> Option<DateTime<Utc>> {
        let date = self.date.naive()?;
        Some(date.and_hms_micro_opt(self.hour, self.minute, self.second, self.microsecond)?.and_utc())
    }
}

/// `"1795720546.975470"`: seconds since 1970 with microseconds, in UTC. It is when the transaction began that wrote the
/// record last.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub String);

impl Timestamp {
    /// The moment; `None` where it is none.
    pub fn moment(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(decimal::minor_units(&self.0, 6)?.get())
    }
}

/// A record that another one names, with its own stamp.
#[derive(Debug, Deserialize)]
pub struct Stamped {
    #[serde(rename = "_timestamp")]
    pub timestamp: Timestamp,
}

/// The newest moment of a record and of what belongs to it.
pub fn newest<'a>(stamps: impl IntoIterator<Item = &'a Timestamp>) -> Option<DateTime<Utc>> {
    stamps.into_iter().filter_map(Timestamp::moment).max()
}

/// The id of a record, as Tryton has it; `None` where it cannot be one of Tryton's.
pub fn record_id(id: &RemoteId) -> Option<i64> {
    id.as_str().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamp_is_a_moment_to_the_microsecond() {
        let moment = Timestamp("1795720546.975470".to_owned()).moment().expect("a moment");
        assert_eq!(moment.to_rfc3339(), "2026-11-26T19:15:46.975470+00:00");
        assert_eq!(Timestamp("soon".to_owned()).moment(), None);
    }

    #[test]
    fn values_survive_the_way_to_tryton_and_back() {
        let day = NaiveDate::from_ymd_opt(2024, 2, 29).expect("a date");
        let read: Date = serde_json::from_value(date(day)).expect("a date");
        assert_eq!(read.naive(), Some(day));
        let read: Decimal = serde_json::from_value(decimal("1234567890123456.78")).expect("a decimal");
        assert_eq!(read.decimal, "1234567890123456.78");
    }
}
