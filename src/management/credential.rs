//! What API keys and connection tokens have in common once they were shown.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::auth::Secret;

/// A secret as the lists show it: without itself.
#[derive(Debug, Clone, Serialize)]
pub struct Credential {
    /// The last four characters of the secret, by which a person recognizes it.
    pub last_four: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it expires.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used, up to a minute late.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl Credential {
    /// A secret that is created `now` and was not used yet.
    pub(super) fn new(secret: &Secret, expires_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Self {
        let last_four = secret.last_four().to_owned();
        Self { last_four, created_at: now, expires_at, revoked_at: None, last_used_at: None }
    }
}
