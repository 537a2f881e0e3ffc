//! Payments and other objects in the accounting software behind a connection.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ParseError;
use super::free_text::refuse_nul;

/// The id of an object in the accounting software: its own text, of 1 to 255 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RemoteId(String);

impl RemoteId {
    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<i64> for RemoteId {
    /// The id of an object in software that numbers its objects.
    fn from(number: i64) -> Self {
        Self(number.to_string())
    }
}

impl fmt::Display for RemoteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RemoteId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        refuse_nul(text)?;
        if (1..=255).contains(&text.chars().count()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseError::new("invalid_remote_id", "write 1 to 255 characters"))
        }
    }
}

/// What became of a payment in the accounting software.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemoteStatus {
    /// The connection has no software: this server is the book of record.
    None,
    /// It will be written.
    Pending,
    /// It was sent, and whether the software has it is not known yet.
    Unknown,
    /// The software has it.
    Applied,
    /// The software refused it.
    Rejected,
    /// A person must decide.
    NeedsAttention,
    /// The software had it, and it was cancelled there.
    Voided,
}

impl RemoteStatus {
    /// All of them.
    pub const ALL: &[Self] =
        &[Self::None, Self::Pending, Self::Unknown, Self::Applied, Self::Rejected, Self::NeedsAttention, Self::Voided];

    /// Its name, in answers and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pending => "pending",
            Self::Unknown => "unknown",
            Self::Applied => "applied",
            Self::Rejected => "rejected",
            Self::NeedsAttention => "needs_attention",
            Self::Voided => "voided",
        }
    }
}

impl FromStr for RemoteStatus {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::ALL.iter().copied().find(|status| status.as_str() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|status| status.as_str()).collect();
            ParseError::new("unknown_remote_status", format!("write one of {}", names.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_read_by_its_name() {
        for &status in RemoteStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(serde_json::to_value(status).expect("JSON"), status.as_str());
        }
        assert_eq!("Applied".parse::<RemoteStatus>().map_err(|error| error.code), Err("unknown_remote_status"));
    }

    #[test]
    fn remote_id_has_1_to_255_characters() {
        assert!("é".repeat(255).parse::<RemoteId>().is_ok());
        for text in ["", "a\0", &"x".repeat(256)] {
            assert!(text.parse::<RemoteId>().is_err(), "{text}");
        }
    }
}
