//! The accounting software behind a connection: where it is, how to sign in, and whether it may be called.

use std::str::FromStr;

use serde::Serialize;

use crate::domain::{ParseError, RemoteId};

/// The accounting software behind a connection, as the database has it.
#[derive(Debug, Clone)]
pub struct Software {
    /// The slug of its provider. A later version of this program may have stored one that this version does not have.
    pub provider: String,
    /// Its address.
    pub url: String,
    /// Which of its databases; `None` where the address says it.
    pub database: Option<String>,
    /// Which of its companies; `None` until a check has found the only one.
    pub company: Option<RemoteId>,
    /// The user to sign in as; `None` where the secret says it.
    pub login: Option<String>,
    /// The password or the API key, sealed. [`super::Access`] opens it.
    pub sealed_secret: Vec<u8>,
    /// Whether it may be called.
    pub status: SoftwareStatus,
    /// Failed calls in a row, over all servers.
    pub failures: u32,
    /// Whether the connection is revoked. Its software is then only called to find out what became of open writes.
    pub is_revoked: bool,
}

impl Software {
    /// Whether the other has the same settings and the same secret. Its state may differ.
    #[must_use]
    pub fn leads_where(&self, other: &Self) -> bool {
        let way = |software: &Self| {
            let Self { provider, url, database, company, login, sealed_secret, .. } = software.clone();
            (provider, url, database, company, login, sealed_secret)
        };
        way(self) == way(other)
    }
}

/// Whether the software behind a connection may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SoftwareStatus {
    /// It may.
    Valid,
    /// Not before a person gives other credentials.
    NeedsReauth,
    /// Not before a person resumes it.
    Paused,
}

impl SoftwareStatus {
    const ALL: [Self; 3] = [Self::Valid, Self::NeedsReauth, Self::Paused];

    /// Its name in lists and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::NeedsReauth => "needs_reauth",
            Self::Paused => "paused",
        }
    }
}

impl FromStr for SoftwareStatus {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let known = Self::ALL.into_iter().find(|status| status.as_str() == text);
        known.ok_or_else(|| ParseError::new("unknown_status", "no such status of a connection"))
    }
}
