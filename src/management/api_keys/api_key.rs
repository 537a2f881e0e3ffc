//! What an API key is.

use serde::Serialize;

use crate::domain::{ApiKeyId, ApiKeyScopes, DisplayName, ProjectId};
use crate::management::Credential;

/// An API key without its secret, which is shown once, when the key is created.
#[derive(Debug, Clone, Serialize)]
pub struct ApiKey {
    /// Assigned by the server.
    pub id: ApiKeyId,
    /// The project that it belongs to.
    pub project_id: ProjectId,
    /// What people call it.
    pub name: DisplayName,
    /// What it may do.
    pub scopes: ApiKeyScopes,
    /// Its secret, without the secret itself.
    #[serde(flatten)]
    pub credential: Credential,
}
