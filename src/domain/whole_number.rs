//! Parses whole numbers from the digits of a JSON number.

/// Why a text is not a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WholeNumberError {
    /// It is not a JSON number at all.
    NotANumber,
    /// It has a fraction.
    NotWhole,
    /// It has more than 16 digits.
    TooLarge,
}

/// Parses the text of a JSON number (RFC 8259 section 6) from its decimal digits, without a binary float. `10000`,
/// `10000.0` and `1e4` are the same whole number; `100.5` is not whole. The result has at most 16 digits.
///
/// # Errors
/// See [`WholeNumberError`].
pub fn parse(number: &str) -> Result<i64, WholeNumberError> {
    let (negative, unsigned) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if integer.is_empty() || ![integer, fraction].iter().all(|digits| digits.bytes().all(|b| b.is_ascii_digit())) {
        return Err(WholeNumberError::NotANumber);
    }

    // The value is significant × 10^scale; `significant` has no zeros at either end.
    let digits = [integer, fraction].concat();
    let without_tail = digits.trim_end_matches('0');
    let dropped_zeros = digits.len() - without_tail.len();
    let significant = without_tail.trim_start_matches('0');
    let exponent = saturating_exponent(exponent)?;
    if significant.is_empty() {
        return Ok(0);
    }
    let scale = exponent.saturating_sub(length(fraction.len())).saturating_add(length(dropped_zeros));
    let zeros = usize::try_from(scale).map_err(|_| WholeNumberError::NotWhole)?;
    // Because of this bound, nothing below can overflow.
    if zeros.saturating_add(significant.len()) > 16 {
        return Err(WholeNumberError::TooLarge);
    }
    let whole: i64 = format!("{significant}{}", "0".repeat(zeros)).parse().map_err(|_| WholeNumberError::TooLarge)?;
    Ok(if negative { -whole } else { whole })
}

/// An exponent beyond `i64` is read as the largest one: both mean "too large" or "not whole".
fn saturating_exponent(text: &str) -> Result<i64, WholeNumberError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(WholeNumberError::NotANumber);
    }
    let size = digits.parse().unwrap_or(i64::MAX);
    Ok(if text.starts_with('-') { -size } else { size })
}

fn length(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
