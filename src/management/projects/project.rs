//! What a project is.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::{DisplayName, ProjectId};

/// A project.
#[derive(Debug, Clone, Serialize)]
pub struct Project {
    /// Made by the server.
    pub id: ProjectId,
    /// What people call it.
    pub name: DisplayName,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl Project {
    /// A project made `now`.
    #[must_use]
    pub fn new(name: DisplayName, now: DateTime<Utc>) -> Self {
        Self { id: ProjectId::new(now), name, created_at: now }
    }
}
