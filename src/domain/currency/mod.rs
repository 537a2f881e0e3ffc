//! Currencies by their ISO 4217 code: those in use (`current.rs`) and those withdrawn (`historic.rs`), because imported
//! books include old payments. The lists are data of this crate, so that no dependency decides which codes are valid.

mod current;
mod historic;

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::domain::ParseError;

/// An ISO 4217 currency, fund or precious metal. Read in any letter case, written in upper case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Currency {
    code: &'static str,
    minor_units: Option<u8>,
    withdrawn: Option<&'static str>,
}

impl Currency {
    /// The alphabetic code, three upper-case letters.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.code
    }

    /// The number of decimal digits of the minor unit: 2 for USD, 0 for JPY. `None` where ISO 4217 says "N.A.", for
    /// example for gold, and for withdrawn codes without minor units in the source.
    #[must_use]
    pub fn minor_units(self) -> Option<u8> {
        self.minor_units
    }

    /// The year, or year and month, in which the code was withdrawn; `None` while it is in use.
    #[must_use]
    pub fn withdrawn(self) -> Option<&'static str> {
        self.withdrawn
    }

    /// Finds an upper-case code in the lists.
    fn find(code: &str) -> Option<Self> {
        let current = || {
            let at = current::CURRENT.binary_search_by_key(&code, |(code, _)| code).ok()?;
            let (code, minor_units) = current::CURRENT[at];
            Some(Self { code, minor_units, withdrawn: None })
        };
        let historic = || {
            let at = historic::HISTORIC.binary_search_by_key(&code, |(code, ..)| code).ok()?;
            let (code, minor_units, withdrawn) = historic::HISTORIC[at];
            Some(Self { code, minor_units, withdrawn: Some(withdrawn) })
        };
        current().or_else(historic)
    }
}

impl FromStr for Currency {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::find(&text.to_ascii_uppercase()).ok_or_else(|| {
            ParseError::new("unknown_currency", "not an ISO 4217 currency code; write three letters, like USD")
        })
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
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
    fn code_that_iso_4217_does_not_list_is_refused() {
        for text in ["", "US", "USDD", "ZZZ", "U$D", "ＵＳＤ", "usd "] {
            assert_eq!(text.parse::<Currency>().map_err(|r| r.code), Err("unknown_currency"), "{text}");
        }
    }

    fn known(code: &str) -> (Option<u8>, Option<&'static str>) {
        let currency: Currency = code.parse().expect(code);
        (currency.minor_units(), currency.withdrawn())
    }

    #[test]
    fn current_codes_have_the_minor_units_of_the_list() {
        for (code, minor_units) in [("USD", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("UYW", 4), ("XCG", 2), ("ZWG", 2)]
        {
            assert_eq!(known(code), (Some(minor_units), None), "{code}");
        }
        for code in ["XAU", "XDR", "XTS", "XXX", "XAD"] {
            assert!(known(code).1.is_none(), "{code}");
        }
        assert_eq!(known("XAU"), (None, None));
    }

    #[test]
    fn withdrawn_codes_are_known_with_their_date() {
        for (code, minor_units, withdrawn) in [
            ("DEM", Some(2), "2002-03"),
            ("ITL", Some(0), "2002-03"),
            ("FRF", Some(2), "2002-03"),
            ("LTL", Some(2), "2014-12"),
            ("VEF", Some(2), "2018-08"),
            ("MRO", Some(2), "2017-12"),
            ("STD", Some(2), "2017-12"),
            ("HRK", Some(2), "2023-01"),
            ("ZWL", Some(2), "2024-09"),
            ("ANG", Some(2), "2025-03"),
            ("BGN", Some(2), "2026-01"),
            ("DDM", None, "1990-09"),
            ("ESA", None, "1981"),
        ] {
            assert_eq!(known(code), (minor_units, Some(withdrawn)), "{code}");
        }
    }

    #[test]
    fn lists_of_2026_are_sorted_and_do_not_overlap() {
        let current: Vec<_> = current::CURRENT.iter().map(|(code, _)| *code).collect();
        let historic: Vec<_> = historic::HISTORIC.iter().map(|(code, ..)| *code).collect();
        assert_eq!((current.len(), historic.len()), (178, 129));
        for codes in [&current, &historic] {
            assert!(codes.is_sorted_by(|a, b| a < b));
            assert!(codes.iter().all(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())));
        }
        assert!(current.iter().all(|code| !historic.contains(code)));
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_three_capital_letters(text in "\\PC{0,5}") {
            if let Ok(currency) = text.parse::<Currency>() {
                prop_assert_eq!(currency.code(), text.to_ascii_uppercase());
            }
        }
    }
}
