//! Removes what is older than events are kept.

use chrono::{DateTime, Utc};

use crate::auth::ProjectScope;
use crate::db;

/// The most rows that one step removes of each table: a few milliseconds.
const STEP: i64 = 1_000;

/// Removes events of a project that were written before `moment`, and changes that nobody has read until then: one step.
/// Returns whether there may be more.
///
/// # Errors
/// When the database fails.
pub async fn expire(scope: &ProjectScope, moment: DateTime<Utc>) -> Result<bool, db::Error> {
    let project = scope.project_id().0;
    let statement = scope.statement().await?;
    // From the beginning of each, until a row is young enough.
    let events = sqlx::query!(
        "delete from event
         where project_id = $1 and created_at < $2 and position in (
             select position from event where project_id = $1 order by position limit $3
         )",
        project,
        moment,
        STEP,
    )
    .execute(statement)
    .await
    .map_err(db::Error::of_write)?;
    let statement = scope.statement().await?;
    let changes = sqlx::query!(
        "delete from event_outbox
         where project_id = $1 and created_at < $2 and (sequence, connection_id) in (
             select sequence, connection_id from event_outbox where project_id = $1
             order by sequence, connection_id limit $3
         )",
        project,
        moment,
        STEP,
    )
    .execute(statement)
    .await
    .map_err(db::Error::of_write)?;
    Ok(events.rows_affected() > 0 || changes.rows_affected() > 0)
}
