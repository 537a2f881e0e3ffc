//! How much is not delivered yet.

use chrono::{DateTime, Utc};

use super::pending_on_nodes::pending_on_nodes;
use crate::auth::Worker;
use crate::db;

/// The most changes without a position that are counted for each endpoint.
const OUTBOX: i64 = 1_000;

/// What active endpoints have still to get.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pending {
    /// Whether these endpoints are failing.
    pub is_failing: bool,
    /// How many events, at most: some may not be meant for the endpoint.
    pub events: u32,
    /// The age of the oldest, in seconds.
    pub oldest_seconds: u32,
}

impl Pending {
    fn new(is_failing: bool, events: i64, oldest_seconds: i64) -> Self {
        let number = |count: i64| u32::try_from(count.max(0)).unwrap_or(u32::MAX);
        Self { is_failing, events: number(events), oldest_seconds: number(oldest_seconds) }
    }
}

/// Counts it over all projects, for the metrics: once for endpoints that work, once for those that have failed at least
/// `failing` times in a row.
///
/// # Errors
/// When the database fails.
pub async fn pending(worker: &Worker, failing: u32, now: DateTime<Utc>) -> Result<Vec<Pending>, db::Error> {
    if worker.is_distributed() {
        let found = pending_on_nodes(worker, failing, now).await?;
        return Ok(found.into_iter().map(|(is_failing, events, age)| Pending::new(is_failing, events, age)).collect());
    }
    let statement = worker.statement().await?;
    let rows = sqlx::query!(
        r#"
        with counts_of_deliveries as (
            select failures >= $1 as is_failing,
                   greatest(feed.last_position - position, 0) + retry.count + outbox.count as events,
                   least(retry.oldest, outbox.oldest, (select created_at from event
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
            cross join lateral (
                select coalesce(sum(cardinality(objects)), 0) as count, min(created_at) as oldest
                from (
                    select objects, created_at from event_outbox
                    where project_id = delivery.project_id
                    order by sequence
                    limit $3
                ) first
            ) outbox
        )
        select is_failing as "is_failing!", coalesce(sum(events), 0)::bigint as "events!",
               coalesce(extract(epoch from $2 - min(oldest))::bigint, 0) as "oldest_seconds!"
        from counts_of_deliveries
        group by is_failing
        "#,
        i32::try_from(failing).unwrap_or(i32::MAX),
        now,
        OUTBOX,
    )
    .fetch_all(statement)
    .await?;
    Ok(rows.into_iter().map(|row| Pending::new(row.is_failing, row.events, row.oldest_seconds)).collect())
}
