//! Creates a project.

use chrono::{DateTime, Utc};

use super::{Project, store};
use crate::auth::OperatorTransaction;
use crate::db;
use crate::domain::{DisplayName, ProjectId};

/// Creates a project in a transaction.
///
/// # Errors
/// When the database fails.
pub async fn create(
    transaction: &mut OperatorTransaction,
    name: DisplayName,
    now: DateTime<Utc>,
) -> Result<Project, db::Error> {
    let project = Project { id: ProjectId::new(now), name, created_at: now };
    store::insert(transaction, &project).await?;
    Ok(project)
}
