//! Values as Odoo writes them in JSON.

use chrono::{DateTime, NaiveDateTime, Utc};
use rust_decimal::Decimal;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::connectors::decimal;
use crate::domain::MinorUnits;

/// A value, or `false`: Odoo's word for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maybe<T>(pub Option<T>);

impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Box::<RawValue>::deserialize(deserializer)?;
        match value.get() {
            "false" | "null" => Ok(Self(None)),
            text => serde_json::from_str(text).map(|value| Self(Some(value))).map_err(D::Error::custom),
        }
    }
}

/// A text that is there and not empty.
pub fn text(value: &Maybe<String>) -> Option<String> {
    value.0.as_ref().filter(|text| !text.is_empty()).cloned()
}

/// Another record: its id, and its name for people.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "(i64, Maybe<String>)")]
pub struct Link {
    /// Its id.
    pub id: i64,
    /// What it is called.
    pub name: String,
}

impl From<(i64, Maybe<String>)> for Link {
    fn from((id, name): (i64, Maybe<String>)) -> Self {
        Self { id, name: name.0.unwrap_or_default() }
    }
}

/// A number by its digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number(String);

impl Number {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As minor units; `None` where it is no whole number of them, or out of range.
    pub fn minor_units(&self, digits: u8) -> Option<MinorUnits> {
        decimal::minor_units(&self.0, digits)
    }

    /// As a decimal; `None` where it has too many digits.
    pub fn decimal(&self) -> Option<Decimal> {
        self.0.parse().or_else(|_| Decimal::from_scientific(&self.0)).ok()
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Box::<RawValue>::deserialize(deserializer)?;
        let text = value.get();
        if text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(D::Error::custom("not a number"))
        }
    }
}

/// A moment: UTC, to the second.
pub fn moment(text: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok().map(|moment| moment.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn false_is_nothing_and_digits_are_kept() {
        let maybe = |text: &str| serde_json::from_str::<Maybe<Link>>(text).expect(text).0;
        assert_eq!(maybe("false"), None);
        assert_eq!(maybe(r#"[7, "Bank"]"#), Some(Link { id: 7, name: "Bank".to_owned() }));
        assert_eq!(maybe("[7, false]").map(|link| link.name), Some(String::new()));
        let number = |text: &str| serde_json::from_str::<Number>(text).expect(text);
        assert_eq!(number("600.0").minor_units(2).map(MinorUnits::get), Some(60_000));
        assert_eq!(number("0.333").minor_units(2), None);
        assert_eq!(number("1e-05").decimal(), Some(Decimal::new(1, 5)));
        assert_eq!(
            moment("2026-11-26 19:34:10").map(|moment| moment.to_rfc3339()).as_deref(),
            Some("2026-11-26T19:34:10+00:00")
        );
    }
}
