//! Names that people give to projects, keys and connections.

use std::str::FromStr;

use serde::Serialize;
use validator::{ValidateLength, ValidateNonControlCharacter};

use super::ParseError;

/// 1 to 200 characters, trimmed. Control characters are refused, because names are printed on terminals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct DisplayName(String);

impl DisplayName {
    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DisplayName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let text = text.trim();
        if text.validate_length(Some(1), Some(200), None) && text.validate_non_control_character() {
            return Ok(Self(text.to_owned()));
        }
        Err(ParseError::new("invalid_label", "write 1 to 200 characters on one line"))
    }
}
