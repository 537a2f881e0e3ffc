//! What a connection is.

use serde::Serialize;

use super::Provider;
use crate::domain::{ConnectionId, DisplayName, ProjectId};
use crate::management::Credential;

/// A connection without its token, which is shown once, when the connection is created.
#[derive(Debug, Clone, Serialize)]
pub struct Connection {
    /// Assigned by the server.
    pub id: ConnectionId,
    /// The project that it belongs to.
    pub project_id: ProjectId,
    /// What people call it.
    pub label: DisplayName,
    /// The accounting software behind it.
    pub provider: Provider,
    /// Its token, without the token itself.
    #[serde(flatten)]
    pub credential: Credential,
}
