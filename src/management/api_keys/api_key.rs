//! What is known of an API key. The secret itself is shown once, when it is made.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::{ApiKeyId, DisplayName, ProjectId};

/// An API key without its secret.
#[derive(Debug, Clone, Serialize)]
pub struct ApiKey {
    /// Made by the server.
    pub id: ApiKeyId,
    /// Whose it is.
    pub project_id: ProjectId,
    /// What people call it.
    pub name: DisplayName,
    /// The last four characters of the secret.
    pub hint: String,
    /// Whether it may only read.
    pub read_only: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used, up to a minute late.
    pub last_used_at: Option<DateTime<Utc>>,
}
