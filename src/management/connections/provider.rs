//! The accounting software behind a connection.

use std::str::FromStr;

use serde::Serialize;

use crate::domain::ParseError;

/// The accounting software behind a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// None: this server itself is the book of record.
    None,
}

impl Provider {
    /// Its slug.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::None => "none",
        }
    }
}

impl FromStr for Provider {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text {
            "none" => Ok(Self::None),
            _ => Err(ParseError::new("unknown_provider", "no such provider; the only one today is `none`")),
        }
    }
}
