//! Calendar dates of books.

use chrono::{DateTime, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A calendar date as accounting software has it: without time and zone. It is written as midnight UTC, because existing
/// client libraries decode nothing shorter (resources contract, section 1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountingDate(pub NaiveDate);

impl Serialize for AccountingDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}T00:00:00Z", self.0.format("%Y-%m-%d")))
    }
}

impl<'de> Deserialize<'de> for AccountingDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment = DateTime::parse_from_rfc3339(&text).map_err(de::Error::custom)?;
        Ok(Self(moment.date_naive()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_is_written_as_midnight_utc_and_read_again() {
        let date = AccountingDate(NaiveDate::from_ymd_opt(2024, 2, 29).expect("a date"));
        let text = serde_json::to_string(&date).expect("JSON");
        assert_eq!(text, r#""2024-02-29T00:00:00Z""#);
        assert_eq!(serde_json::from_str::<AccountingDate>(&text).expect("a date"), date);
    }
}
