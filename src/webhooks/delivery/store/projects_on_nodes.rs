//! The projects whose endpoints have something to get, on a distributed database.
//!
//! The outbox is distributed by connection, and endpoints by project. Citus does not join the one with the other.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::auth::Worker;
use crate::db;
use crate::domain::ProjectId;

/// The projects after `after` that have an active endpoint, at most `limit`, and whether one of them has something to
/// get at `now`.
///
/// # Errors
/// When the database fails.
pub(super) async fn projects_on_nodes(
    worker: &Worker,
    after: Option<ProjectId>,
    now: DateTime<Utc>,
    limit: u16,
) -> Result<Vec<(ProjectId, bool)>, db::Error> {
    let statement = worker.statement().await?;
    let found = sqlx::query!(
        r#"
        with projects_with_endpoints as (
            select project_id,
                   bool_or(exists (
                       select from webhook_delivery delivery
                       where delivery.project_id = endpoint.project_id and delivery.endpoint_id = endpoint.id
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
                   )) as is_due
            from webhook_endpoint endpoint
            where project_id > $1 and disabled_reason is null
            group by project_id order by project_id limit $2
        )
        select project_id, is_due as "is_due!" from projects_with_endpoints order by project_id
        "#,
        after.map_or(Uuid::nil(), |after| after.0),
        i64::from(limit),
        now,
    )
    .fetch_all(statement)
    .await?;
    let ids: Vec<_> = found.iter().map(|row| row.project_id).collect();
    let statement = worker.statement().await?;
    let changed = sqlx::query_scalar!(
        "
        select distinct project_id from event_outbox
        join unnest($1::uuid[]) as projects_with_endpoints (id) on projects_with_endpoints.id = project_id
        ",
        &ids,
    )
    .fetch_all(statement)
    .await?;
    let changed: HashSet<_> = changed.into_iter().collect();
    let is_due = |id, is_due| (ProjectId(id), is_due || changed.contains(&id));
    Ok(found.into_iter().map(|row| is_due(row.project_id, row.is_due)).collect())
}
