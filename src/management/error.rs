//! Why an API key or a connection was not created.

use crate::db;
use crate::domain::ProjectId;

/// Why an API key or a connection was not created.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The project that it was for does not exist.
    #[error("there is no project {0}")]
    NoSuchProject(ProjectId),
    /// The database failed.
    #[error("{0}")]
    Database(#[from] db::Error),
}

impl Error {
    /// The failure to insert a row of `project_id`, which has a foreign key to its project.
    pub(super) fn of_insert(error: db::Error, project_id: ProjectId) -> Self {
        match error.constraint() {
            Some("api_key_project_id_fkey" | "connection_project_id_fkey") => Self::NoSuchProject(project_id),
            _ => Self::Database(error),
        }
    }
}
