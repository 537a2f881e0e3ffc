//! Amounts as accounting software writes them: decimals in the currency itself, never binary floats.

use crate::domain::MinorUnits;

/// The amount of a decimal text like `-1234.50` or `1.2E+3`, in minor units of a currency with `digits` digits. `None` when
/// it is no decimal, is finer than the currency, or is too large: nothing is ever rounded.
#[must_use]
pub fn minor_units(text: &str, digits: u8) -> Option<MinorUnits> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent = exponent.parse::<i64>().ok()?.checked_add(i64::from(digits))?;
    format!("{mantissa}e{exponent}").parse().ok()
}

/// The decimal text of an amount in minor units of a currency with `digits` digits, with all of its digits: `400.00`.
#[must_use]
pub fn text(amount: MinorUnits, digits: u8) -> String {
    let sign = if amount.get() < 0 { "-" } else { "" };
    let digits = usize::from(digits);
    let all = format!("{:0width$}", amount.get().unsigned_abs(), width = digits + 1);
    let (whole, fraction) = all.split_at(all.len() - digits);
    let point = if digits == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn units(text: &str, digits: u8) -> Option<i64> {
        minor_units(text, digits).map(MinorUnits::get)
    }

    #[test]
    fn decimal_becomes_minor_units_by_the_currencys_digits() {
        for (text, digits, expected) in [
            ("400.00", 2, 40_000),
            ("0.30", 2, 30),
            ("-75", 2, -7_500),
            ("15000", 0, 15_000),
            ("1.234", 3, 1_234),
            ("0.1e1", 2, 100),
            ("1E+3", 2, 100_000),
            ("12.50000000", 2, 1_250),
            ("90071992547409.91", 2, MinorUnits::MAX),
        ] {
            assert_eq!(units(text, digits), Some(expected), "{text}");
        }
    }

    #[test]
    fn amount_that_is_no_whole_minor_unit_is_not_rounded() {
        for (text, digits) in [("0.005", 2), ("10.5", 0), ("90071992547409.92", 2), ("1.2e-05", 2), ("1e999", 2)] {
            assert_eq!(units(text, digits), None, "{text}");
        }
        for text in ["", "NaN", "Infinity", "-", "1e", "e5", "1e9223372036854775807", "0x10", " 1"] {
            assert_eq!(units(text, 2), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_of_an_amount_is_the_same_amount(amount in -MinorUnits::MAX..=MinorUnits::MAX, digits in 0_u8..6) {
            let amount = MinorUnits::try_from(amount).expect("an amount");
            let written = text(amount, digits);
            prop_assert_eq!(written.split_once('.').map_or(0, |(_, fraction)| fraction.len()), usize::from(digits));
            prop_assert_eq!(minor_units(&written, digits), Some(amount));
        }

        #[test]
        fn no_text_panics(text in "\\PC*", digits in any::<u8>()) {
            let _ = minor_units(&text, digits);
        }
    }
}
