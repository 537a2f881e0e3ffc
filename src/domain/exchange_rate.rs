//! Exchange rates, stored digit for digit.

use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, de};

use super::ParseError;

/// A positive decimal, exactly as the client wrote it: `"1.20"` stays `"1.20"` (contract §2).
///
/// It also fits into a [`Decimal`] exactly (28 significant digits), so that programs can calculate with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ExchangeRate(String);

impl ExchangeRate {
    /// The most digits, including zeros at both ends.
    pub const MAX_DIGITS: usize = 28;

    /// The digits that the client wrote.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for ExchangeRate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl FromStr for ExchangeRate {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let refused = |detail| Err(ParseError::new("invalid_exchange_rate", detail));
        let (integer, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !are_digits(integer) || !are_digits(fraction) {
            return refused("not a plain decimal number; write it like \"1.2\", without sign, exponent or grouping");
        }
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        // `from_str_exact` refuses numbers that it would have to round. It accepts some numbers of 29 digits; the database
        // accepts none.
        let (Ok(rate), true) = (Decimal::from_str_exact(text), digits <= Self::MAX_DIGITS) else {
            return refused("more than 28 digits");
        };
        if rate.is_zero() {
            return refused("an exchange rate must be greater than zero");
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn digits_are_kept_as_written() {
        for text in ["1.2", "1.20", "0.000000000001", "1", "0010.50", "1234567890.123456789012345678"] {
            assert_eq!(text.parse::<ExchangeRate>().expect(text).as_str(), text);
        }
    }

    #[test]
    fn only_a_positive_plain_decimal_is_a_rate() {
        let too_long = "1".repeat(30);
        for text in ["", "0", "0.00", "-1.2", "+1.2", "1e3", ".5", "1.", "1,2", "1.2.3", " 1", "NaN", "١", &too_long] {
            assert_eq!(
                text.parse::<ExchangeRate>().map_err(|error| error.code),
                Err("invalid_exchange_rate"),
                "{text}"
            );
        }
    }

    #[test]
    fn rate_has_at_most_28_digits() {
        for text in ["1".repeat(28), format!("0.{}", "1".repeat(27)), format!("{}1", "0".repeat(27))] {
            assert_eq!(text.parse::<ExchangeRate>().map(|rate| rate.0), Ok(text));
        }
        // The second and third are numbers that `Decimal` holds exactly.
        for text in ["1".repeat(29), format!("{}1", "0".repeat(28)), "79228162514264337593543950335".to_owned()] {
            assert_eq!(
                text.parse::<ExchangeRate>().map_err(|error| error.code),
                Err("invalid_exchange_rate"),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_positive_decimal_survives_a_round_trip(text in "[0-9]{1,9}\\.[0-9]{0,14}[1-9]") {
            prop_assert_eq!(text.parse::<ExchangeRate>().map(|rate| rate.0), Ok(text));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = text.parse::<ExchangeRate>();
        }
    }
}
