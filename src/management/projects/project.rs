//! What a project is.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::{DisplayName, ProjectId};

/// A project.
#[derive(Debug, Clone, Serialize)]
pub struct Project {
    /// Assigned by the server.
    pub id: ProjectId,
    /// What people call it.
    pub name: DisplayName,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}
