//! Records as ERPNext writes them, read by the names of their members.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::value::RawValue;

use crate::connectors::decimal;
use crate::connectors::json;
use crate::domain::{Currency, MinorUnits, Quantity};

/// An object. A member of another type than the expected counts as absent, so that one strange record does not hide
/// all others.
#[derive(Debug)]
pub struct Record<'a> {
    /// The object as it was written.
    pub raw: &'a RawValue,
    members: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

impl<'a> Record<'a> {
    /// Reads an object; `None` when it is none.
    pub fn read(raw: &'a RawValue) -> Option<Self> {
        Some(Self { raw, members: json::members(raw)? })
    }

    /// A member as written; `None` when it is absent or null.
    pub fn member(&self, name: &str) -> Option<&'a RawValue> {
        self.members.get(name).copied().filter(|member| member.get() != "null")
    }

    /// A text that is not empty.
    pub fn text(&self, name: &str) -> Option<String> {
        let text: String = serde_json::from_str(self.member(name)?.get()).ok()?;
        Some(text).filter(|text| !text.trim().is_empty())
    }

    /// A number, by its digits.
    pub fn number(&self, name: &str) -> Option<Decimal> {
        let digits = self.member(name)?.get();
        let is_number = digits.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        if is_number { serde_json::from_str::<Quantity>(digits).ok().map(|number| number.0) } else { None }
    }

    /// An amount of a currency; `None` when it is no whole number of minor units.
    pub fn money(&self, name: &str, currency: Option<Currency>) -> Option<MinorUnits> {
        minor_units(self.number(name)?, currency)
    }

    /// Whether a member is `true` or 1.
    pub fn is_set(&self, name: &str) -> bool {
        self.member(name).is_some_and(|member| matches!(member.get(), "true" | "1"))
    }

    /// The object in a member.
    pub fn record(&self, name: &str) -> Option<Self> {
        Self::read(self.member(name)?)
    }

    /// The objects of an array in a member; elements that are no objects are left out.
    pub fn records(&self, name: &str) -> Vec<Self> {
        self.member(name).map(elements).unwrap_or_default().into_iter().filter_map(Self::read).collect()
    }
}

/// The elements of an array; none when it is no array.
pub fn elements(array: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(array.get()).unwrap_or_default()
}

/// An amount in minor units; `None` when it is no whole number of them.
pub fn minor_units(amount: Decimal, currency: Option<Currency>) -> Option<MinorUnits> {
    decimal::minor_units(&amount.to_string(), currency?.minor_units()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).expect(text)
    }

    #[test]
    fn members_are_read_by_their_type() {
        let text = r#" {"a":"xy","b":1.50,"c":null,"d":1,"e":[{"f":true},3],"g":1.2e-05,"h":"7"} "#;
        let record = Record::read(raw(text)).expect("an object");
        assert_eq!((record.text("a").as_deref(), record.text("b"), record.text("c")), (Some("xy"), None, None));
        let number = |name| record.number(name).map(|number| number.to_string());
        assert_eq!((number("b"), number("g")), (Some("1.50".to_owned()), Some("0.000012".to_owned())));
        assert_eq!((number("a"), number("c"), number("h"), number("e")), (None, None, None, None));
        assert!(record.is_set("d") && !record.is_set("b"));
        assert_eq!(record.records("e").len(), 1);
        assert!(record.records("e")[0].is_set("f"));
    }

    #[test]
    fn part_of_a_cent_is_no_amount() {
        let record = Record::read(raw(r#"{"a":12.340,"b":12.345}"#)).expect("an object");
        let money = |name, code: &str| record.money(name, code.parse().ok()).map(MinorUnits::get);
        assert_eq!((money("a", "USD"), money("b", "USD"), money("b", "KWD")), (Some(1_234), None, Some(12_345)));
    }

    proptest! {
        #[test]
        fn no_member_panics(value in "\\PC*") {
            let object = format!("{{\"a\":{value}}}");
            if let Ok(object) = serde_json::from_str::<&RawValue>(&object)
                && let Some(record) = Record::read(object)
            {
                let _ = (record.text("a"), record.number("a"), record.is_set("a"), record.records("a").len());
            }
        }

        #[test]
        fn no_number_panics(number in "-?[0-9]{1,40}(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,9})?") {
            let object = format!("{{\"a\":{number}}}");
            if let Ok(object) = serde_json::from_str::<&RawValue>(&object) {
                let _ = Record::read(object).map(|record| record.money("a", "USD".parse().ok()));
            }
        }
    }
}
