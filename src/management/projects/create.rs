//! Creates a project.

use chrono::{DateTime, Utc};

use super::{Project, store};
use crate::auth::Operator;
use crate::db;
use crate::domain::{DisplayName, ProjectId};

/// Creates a project and stores it.
///
/// # Errors
/// When the database fails.
pub async fn create(operator: &Operator, name: DisplayName, now: DateTime<Utc>) -> Result<Project, db::Error> {
    let project = Project { id: ProjectId::new(now), name, created_at: now };
    store::insert(operator, &project).await?;
    Ok(project)
}
