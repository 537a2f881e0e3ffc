//! How much is not delivered yet, on a distributed database.
//!
//! The outbox is distributed by connection, and endpoints by project. Citus does not join the one with the other.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::auth::Worker;
use crate::db;

/// Counts it over all projects, once for endpoints that work and once for those that fail: whether they do, how many
/// events, and the age of the oldest in seconds.
///
/// # Errors
/// When the database fails.
pub(super) async fn pending_on_nodes(
    worker: &Worker,
    failing: u32,
    now: DateTime<Utc>,
) -> Result<Vec<(bool, i64, i64)>, db::Error> {
    let statement = worker.statement().await?;
    let found = sqlx::query!(
        r#"
        with counts_of_deliveries as (
            select delivery.project_id, failures >= $1 as is_failing,
                   greatest(feed.last_position - position, 0) + retry.count as events,
                   least(retry.oldest, (select created_at from event
                                        where event.project_id = delivery.project_id
                                              and event.position = delivery.position + 1)) as oldest
            from webhook_delivery delivery
            join webhook_endpoint endpoint on endpoint.project_id = delivery.project_id
                                              and endpoint.id = delivery.endpoint_id and disabled_reason is null
            left join event_feed feed on feed.project_id = delivery.project_id
            cross join lateral (
                select count(*) as count,
                       min((select created_at from event
                            where event.project_id = delivery.project_id
                                  and event.position = retry.position)) as oldest
                from webhook_retry retry
                where retry.project_id = delivery.project_id and retry.endpoint_id = delivery.endpoint_id
            ) retry
        )
        select project_id, is_failing as "is_failing!", count(*) as "endpoints!",
               coalesce(sum(events), 0)::bigint as "events!", min(oldest) as oldest
        from counts_of_deliveries
        group by project_id, is_failing
        "#,
        i32::try_from(failing).unwrap_or(i32::MAX),
    )
    .fetch_all(statement)
    .await?;
    let ids: Vec<_> = found.iter().map(|row| row.project_id).collect();
    let statement = worker.statement().await?;
    let changes = sqlx::query!(
        r#"
        select project_id, sum(cardinality(objects))::bigint as "events!", min(created_at) as "oldest!"
        from event_outbox
        join unnest($1::uuid[]) as projects_with_endpoints (id) on projects_with_endpoints.id = project_id
        group by project_id
        "#,
        &ids,
    )
    .fetch_all(statement)
    .await?;
    let changes: HashMap<_, _> = changes.into_iter().map(|row| (row.project_id, (row.events, row.oldest))).collect();
    let mut sums = HashMap::<bool, (i64, Option<DateTime<Utc>>)>::new();
    for row in found {
        let change = changes.get(&row.project_id);
        let sum = sums.entry(row.is_failing).or_default();
        sum.0 += row.events + row.endpoints * change.map_or(0, |(events, _)| *events);
        sum.1 = sum.1.into_iter().chain(row.oldest).chain(change.map(|(_, oldest)| *oldest)).min();
    }
    let age = |oldest: Option<DateTime<Utc>>| oldest.map_or(0, |oldest| (now - oldest).num_seconds());
    Ok(sums.into_iter().map(|(is_failing, (events, oldest))| (is_failing, events, age(oldest))).collect())
}
