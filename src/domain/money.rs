//! Amounts of money: whole minor units, never a binary float.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::ParseError;
use super::whole_number::{self, WholeNumberError};

/// An amount in minor units of its currency ("cents"), within ±(2^53 − 1).
///
/// It is read from the digits of a JSON number: `10000`, `10000.0` and `1e4` are the same amount, because client
/// libraries write all of them (contract §1.6). An amount that is not whole is refused, never rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct MinorUnits(i64);

impl MinorUnits {
    /// The largest amount: 2^53 − 1, which every JSON parser reads exactly (RFC 8259 section 6).
    pub const MAX: i64 = 9_007_199_254_740_991;

    /// The amount as a number of minor units.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for MinorUnits {
    type Error = ParseError;

    fn try_from(units: i64) -> Result<Self, ParseError> {
        if units.unsigned_abs() <= Self::MAX.unsigned_abs() { Ok(Self(units)) } else { Err(out_of_range()) }
    }
}

impl<'de> Deserialize<'de> for MinorUnits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(i64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl FromStr for MinorUnits {
    type Err = ParseError;

    fn from_str(number: &str) -> Result<Self, ParseError> {
        match whole_number::parse(number) {
            Ok(units) => Self::try_from(units),
            Err(WholeNumberError::NotANumber) => Err(ParseError::new("invalid_number", "not a JSON number")),
            Err(WholeNumberError::NotWhole) => Err(ParseError::new(
                "not_whole",
                "not a whole number; amounts are in minor units of the currency, so 100.50 USD is written 10050",
            )),
            Err(WholeNumberError::TooLarge) => Err(out_of_range()),
        }
    }
}

fn out_of_range() -> ParseError {
    ParseError::new("out_of_range", "beyond ±9007199254740991 (2^53 − 1) minor units")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(number: &str) -> &'static str {
        number.parse::<MinorUnits>().expect_err(number).code
    }

    #[test]
    fn all_spellings_of_ten_thousand_are_one_amount() {
        for number in ["10000", "10000.0", "1e4", "1E+4", "0.1e5", "1000000e-2", "10000.000000000000000000000000000"] {
            assert_eq!(number.parse(), Ok(MinorUnits(10_000)), "{number}");
        }
    }

    #[test]
    fn all_spellings_of_zero_are_zero() {
        for number in ["0", "-0", "0.0", "-0.0e99", "0e999999999999999999999"] {
            assert_eq!(number.parse(), Ok(MinorUnits(0)), "{number}");
        }
    }

    #[test]
    fn fractions_and_huge_numbers_are_refused_by_name() {
        assert_eq!(code("100.5"), "not_whole");
        assert_eq!(code("1e-400"), "not_whole");
        assert_eq!(code("9007199254740992"), "out_of_range");
        assert_eq!(code("-9007199254740992"), "out_of_range");
        assert_eq!(code("9223372036854775808"), "out_of_range");
        assert_eq!(code("1e400"), "out_of_range");
        assert_eq!(code("1e99999999999999999999"), "out_of_range");
    }

    proptest! {
        #[test]
        fn whole_amounts_survive_a_round_trip(units in -MinorUnits::MAX..=MinorUnits::MAX) {
            prop_assert_eq!(units.to_string().parse(), Ok(MinorUnits(units)));
            prop_assert_eq!(format!("{units}.00").parse(), Ok(MinorUnits(units)));
            prop_assert_eq!(format!("{units}e0").parse(), Ok(MinorUnits(units)));
        }

        #[test]
        fn a_fraction_is_never_rounded_away(units in -MinorUnits::MAX..=MinorUnits::MAX, zeros in 0usize..40) {
            let number = format!("{units}.{}1", "0".repeat(zeros));
            prop_assert_eq!(number.parse::<MinorUnits>().map_err(|error| error.code), Err("not_whole"));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = text.parse::<MinorUnits>();
        }

        #[test]
        fn no_number_panics(number in "-?[0-9]{1,40}(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,30})?") {
            let _ = number.parse::<MinorUnits>();
        }
    }
}
