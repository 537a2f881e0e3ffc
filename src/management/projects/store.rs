//! Projects in Postgres.

use super::Project;
use crate::auth::{Operator, OperatorTransaction};
use crate::db;
use crate::domain::{DisplayName, ProjectId};

/// Stores a project.
///
/// # Errors
/// When the database fails.
pub(super) async fn insert(transaction: &mut OperatorTransaction, project: &Project) -> Result<(), db::Error> {
    sqlx::query!(
        "insert into project (id, name, created_at) values ($1, $2, $3)",
        project.id.0,
        project.name.as_str(),
        project.created_at,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// Lists all projects, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list(operator: &Operator) -> Result<Vec<Project>, db::Error> {
    let statement = operator.statement().await?;
    let rows = sqlx::query!("select id, name, created_at from project order by id").fetch_all(statement).await?;
    let projects = rows.into_iter().map(|row| {
        let name = row.name.parse::<DisplayName>().map_err(db::corrupt_row)?;
        Ok(Project { id: ProjectId(row.id), name, created_at: row.created_at })
    });
    Ok(projects.collect::<Result<_, sqlx::Error>>()?)
}
