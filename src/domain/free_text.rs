//! Free text from a client.

use std::str::FromStr;

use serde::Serialize;
use validator::{ValidateContains, ValidateLength};

use super::ParseError;

/// Text of up to 1,024 Unicode characters, without NUL, which Postgres cannot store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct FreeText(String);

impl FreeText {
    /// The maximum length, in Unicode characters.
    pub const MAX_CHARACTERS: u64 = 1_024;

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FreeText {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        refuse_nul(text)?;
        if !text.validate_length(None, Some(Self::MAX_CHARACTERS), None) {
            return Err(ParseError::new("too_long", format!("longer than {} characters", Self::MAX_CHARACTERS)));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Refuses U+0000, which the Postgres types `text` and `json` cannot store.
///
/// # Errors
/// `nul_character`.
pub fn refuse_nul(text: &str) -> Result<(), ParseError> {
    if text.validate_contains("\0") {
        return Err(ParseError::new("nul_character", "contains the character U+0000, which cannot be stored"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_not_bytes() {
        assert!("é".repeat(1_024).parse::<FreeText>().is_ok());
        assert_eq!("é".repeat(1_025).parse::<FreeText>().map_err(|error| error.code), Err("too_long"));
    }

    #[test]
    fn nul_is_refused() {
        assert_eq!("a\0b".parse::<FreeText>().map_err(|error| error.code), Err("nul_character"));
    }
}
