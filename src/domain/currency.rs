//! Currencies by their ISO 4217 code.

use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::Refusal;

/// An ISO 4217 currency. Read in any letter case, written in upper case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The alphabetic code, three upper-case letters.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }
}

impl FromStr for Currency {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        iso_currency::Currency::from_code(&text.to_ascii_uppercase()).map(Self).ok_or_else(|| {
            Refusal::new("unknown_currency", "not an ISO 4217 currency code; write three letters, like USD")
        })
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn any_letter_case_is_read_and_upper_case_is_written() {
        assert_eq!("uSd".parse::<Currency>().map(Currency::code), Ok("USD"));
    }

    #[test]
    fn what_iso_4217_does_not_list_is_refused() {
        for text in ["", "US", "USDD", "ZZZ", "U$D", "ＵＳＤ", "usd "] {
            assert_eq!(text.parse::<Currency>().map_err(|r| r.code), Err("unknown_currency"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_read_is_three_capitals(text in "\\PC{0,5}") {
            if let Ok(currency) = text.parse::<Currency>() {
                prop_assert_eq!(currency.code(), text.to_ascii_uppercase());
            }
        }
    }
}
