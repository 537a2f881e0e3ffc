//! The projects whose endpoints have something to get.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::projects_on_nodes::projects_on_nodes;
use crate::auth::Worker;
use crate::db;
use crate::domain::ProjectId;

/// The projects after `after` that have an active endpoint, at most `limit`, and whether one of them has something to
/// get at `now`. An endpoint that only waits for its own retries may be counted too early. The outbox is read along its
/// index, as in [`crate::events::sequence()`].
///
/// # Errors
/// When the database fails.
pub async fn projects(
    worker: &Worker,
    after: Option<ProjectId>,
    now: DateTime<Utc>,
    limit: u16,
) -> Result<Vec<(ProjectId, bool)>, db::Error> {
    if worker.is_distributed() {
        return projects_on_nodes(worker, after, now, limit).await;
    }
    let statement = worker.statement().await?;
    let rows = sqlx::query!(
        r#"
        with projects_with_endpoints as (
            select distinct project_id from webhook_endpoint endpoint
            where project_id > $1 and disabled_reason is null
            order by project_id
            limit $2
        )
        select project_id as "project_id!",
               (select sequence from event_outbox outbox where outbox.project_id = found.project_id
                order by sequence limit 1) is not null
               or exists (
                   select from webhook_delivery delivery
                   where delivery.project_id = found.project_id
                         and (due_at is null or due_at <= $3)
                         and (lease_until is null or lease_until <= clock_timestamp())
                         and (position < (select last_position from event_feed feed
                                          where feed.project_id = delivery.project_id)
                              or exists (select from webhook_retry retry
                                         where retry.project_id = delivery.project_id
                                               and retry.endpoint_id = delivery.endpoint_id
                                               and retry.due_at <= $3)
                              or exists (select from webhook_replay replay
                                         where replay.project_id = delivery.project_id
                                               and replay.endpoint_id = delivery.endpoint_id))
               ) as "is_due!"
        from projects_with_endpoints found
        order by project_id
        "#,
        after.map_or(Uuid::nil(), |after| after.0),
        i64::from(limit),
        now,
    )
    .fetch_all(statement)
    .await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.project_id), row.is_due)).collect())
}
