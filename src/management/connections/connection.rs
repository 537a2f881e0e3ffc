//! What is known of a connection. Its token is shown once, when it is made.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::{ConnectionId, DisplayName, ParseError, ProjectId};

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

/// A connection without its token.
#[derive(Debug, Clone, Serialize)]
pub struct Connection {
    /// Made by the server.
    pub id: ConnectionId,
    /// Whose it is.
    pub project_id: ProjectId,
    /// What people call it.
    pub label: DisplayName,
    /// The accounting software behind it.
    pub provider: Provider,
    /// The last four characters of the token.
    pub hint: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its token ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When its token was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used, up to a minute late.
    pub last_used_at: Option<DateTime<Utc>>,
}
