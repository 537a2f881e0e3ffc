//! Removes what is older than events are kept.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::expire_on_nodes::expire_changes;
use crate::auth::{ProjectScope, Worker};
use crate::db;
use crate::domain::ProjectId;

/// The most rows that one step removes of each table: a few milliseconds.
const STEP: i64 = 1_000;

/// Removes events of a project that were written before `moment`, and changes that nobody has read until then: one step.
/// Returns whether there may be more.
///
/// Each statement goes along the table's key, so that two servers lock the rows in one order.
///
/// # Errors
/// When the database fails.
pub async fn expire(scope: &ProjectScope, moment: DateTime<Utc>) -> Result<bool, db::Error> {
    let project = scope.project_id().0;
    let statement = scope.statement().await?;
    // Positions have no gaps, so these are the first rows.
    let events = sqlx::query!(
        "delete from event
         where project_id = $1 and created_at < $2
               and position < (select min(position) from event where project_id = $1) + $3",
        project,
        moment,
        STEP,
    )
    .execute(statement)
    .await
    .map_err(db::Error::of_write)?;
    let has_removed = events.rows_affected() > 0;
    if scope.is_distributed() {
        return Ok(expire_changes(scope, moment, STEP).await? || has_removed);
    }
    let statement = scope.statement().await?;
    let changes = sqlx::query!(
        "delete from event_outbox
         where project_id = $1 and created_at < $2 and sequence <= (
             select max(sequence) from (
                 select sequence from event_outbox where project_id = $1 order by sequence limit $3
             ) as first
         )",
        project,
        moment,
        STEP,
    )
    .execute(statement)
    .await
    .map_err(db::Error::of_write)?;
    Ok(has_removed || changes.rows_affected() > 0)
}

/// The projects that follow `after` in the order of their ids, at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn projects(worker: &Worker, after: Option<ProjectId>, limit: u16) -> Result<Vec<ProjectId>, db::Error> {
    let statement = worker.statement().await?;
    let ids = sqlx::query_scalar!(
        "select id from project where id > $1 order by id limit $2",
        after.map_or(Uuid::nil(), |id| id.0),
        i64::from(limit),
    )
    .fetch_all(statement)
    .await?;
    Ok(ids.into_iter().map(ProjectId).collect())
}
