//! Removes changes that nobody has read from the outbox of a distributed database.
//!
//! Each node has numbers of its own for `sequence`, so the oldest rows are found by their times.

use chrono::{DateTime, Utc};

use crate::auth::ProjectScope;
use crate::db;

/// Removes some `limit` changes of a project that were written before `moment`. Returns whether there may be more.
///
/// # Errors
/// When the database fails.
pub(super) async fn expire_changes(scope: &ProjectScope, moment: DateTime<Utc>, limit: i64) -> Result<bool, db::Error> {
    let statement = scope.statement().await?;
    let changes = sqlx::query!(
        "delete from event_outbox
         where project_id = $1 and created_at < $2 and created_at <= (
             select max(created_at) from (
                 select created_at from event_outbox where project_id = $1 order by created_at limit $3
             ) as first
         )",
        scope.project_id().0,
        moment,
        limit,
    )
    .execute(statement)
    .await
    .map_err(db::Error::of_write)?;
    Ok(changes.rows_affected() > 0)
}
