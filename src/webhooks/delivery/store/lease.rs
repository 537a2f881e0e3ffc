//! Which server sends to an endpoint: one at a time.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::auth::{ProjectScope, ProjectTransaction};
use crate::db;
use crate::domain::{EventPosition, WebhookEndpointId};
use crate::webhooks::delivery::health::Health;
use crate::webhooks::delivery::schedule::FAILING;

/// An endpoint that seems to have something to get.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    /// Its id.
    pub id: WebhookEndpointId,
    /// Calls that failed in a row.
    pub failures: u32,
}

impl Candidate {
    /// Whether it fails again and again.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.failures >= FAILING
    }
}

/// The right to send to an endpoint, and how far it is.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The endpoint.
    pub endpoint: WebhookEndpointId,
    id: Uuid,
    /// Every event up to here was dealt with.
    pub position: EventPosition,
    /// Earlier events are not sent by themselves.
    pub begins_at: DateTime<Utc>,
    /// What earlier calls have shown.
    pub health: Health,
    /// How many events wait to be sent by themselves.
    pub open_retries: i64,
    /// Whether somebody has asked for earlier events.
    pub has_replay: bool,
}

/// The endpoints of a project that may be called at `now` and have something to get, those that work first, at most
/// `limit`. One with more than `max_retries` open ones gets only these.
///
/// # Errors
/// When the database fails.
pub async fn candidates(
    scope: &ProjectScope,
    now: DateTime<Utc>,
    max_retries: u16,
    limit: u16,
) -> Result<Vec<Candidate>, db::Error> {
    let statement = scope.statement().await?;
    let rows = sqlx::query!(
        "
        select endpoint_id, failures from webhook_delivery
        where project_id = $1 and (due_at is null or due_at <= $2)
              and (lease_until is null or lease_until <= clock_timestamp())
              and exists (select from webhook_endpoint
                          where project_id = $1 and id = webhook_delivery.endpoint_id and disabled_reason is null)
              and (exists (select from webhook_retry
                           where project_id = $1 and endpoint_id = webhook_delivery.endpoint_id and due_at <= $2)
                   or (position < (select last_position from event_feed where project_id = $1)
                       or exists (select from webhook_replay
                                  where project_id = $1 and endpoint_id = webhook_delivery.endpoint_id))
                      and (select count(*) from webhook_retry
                           where project_id = $1 and endpoint_id = webhook_delivery.endpoint_id) <= $3)
        order by failures, endpoint_id
        limit $4
        ",
        scope.project_id().0,
        now,
        i64::from(max_retries),
        i64::from(limit),
    )
    .fetch_all(statement)
    .await?;
    let candidate = |id, failures: i32| Candidate {
        id: WebhookEndpointId(id),
        failures: u32::try_from(failures).unwrap_or_default(),
    };
    Ok(rows.into_iter().map(|row| candidate(row.endpoint_id, row.failures)).collect())
}

/// Whether an endpoint of a project that may be called at `now` has got all of the feed, and there are changes without a
/// position. The outbox is read along its index, as in [`crate::events::sequence()`].
///
/// # Errors
/// When the database fails.
pub async fn awaits_positions(scope: &ProjectScope, now: DateTime<Utc>) -> Result<bool, db::Error> {
    let statement = scope.statement().await?;
    let awaits = sqlx::query_scalar!(
        r#"
        select (select sequence from event_outbox where project_id = $1 order by sequence limit 1) is not null
               and exists (select 1 from webhook_delivery
                           where project_id = $1 and (due_at is null or due_at <= $2)
                                 and (lease_until is null or lease_until <= clock_timestamp())
                                 and position >= coalesce((select last_position from event_feed where project_id = $1), 0))
               as "awaits!"
        "#,
        scope.project_id().0,
        now,
    )
    .fetch_one(statement)
    .await?;
    Ok(awaits)
}

/// Takes the lease of an endpoint, unless somebody else has it or the endpoint may not be called at `now`.
///
/// # Errors
/// When the database fails.
pub async fn lease(
    scope: &ProjectScope,
    endpoint: WebhookEndpointId,
    now: DateTime<Utc>,
    id: Uuid,
    duration: Duration,
) -> Result<Option<Lease>, db::Error> {
    let statement = scope.statement().await?;
    let row = sqlx::query!(
        r#"
        update webhook_delivery
        set lease_id = $3, lease_until = statement_timestamp() + $4::bigint * interval '1 millisecond'
        where project_id = $1 and endpoint_id = $2 and (due_at is null or due_at <= $5)
              and (lease_until is null or lease_until <= statement_timestamp())
        returning position, begins_at, failures, failing_since, last_success_at,
                  (select count(*) from webhook_retry where project_id = $1 and endpoint_id = $2) as "open_retries!",
                  exists (select from webhook_replay where project_id = $1 and endpoint_id = $2) as "has_replay!"
        "#,
        scope.project_id().0,
        endpoint.0,
        id,
        i64::try_from(duration.as_millis()).unwrap_or(i64::MAX),
        now,
    )
    .fetch_optional(statement)
    .await
    .map_err(db::Error::of_write)?;
    Ok(row.map(|row| Lease {
        endpoint,
        id,
        position: EventPosition(row.position),
        begins_at: row.begins_at,
        health: Health {
            failures: u32::try_from(row.failures).unwrap_or_default(),
            failing_since: row.failing_since,
            last_success_at: row.last_success_at,
            due_at: None,
        },
        open_retries: row.open_retries,
        has_replay: row.has_replay,
    }))
}

/// Gives a lease back. Nothing was sent, and the endpoint is not called before `due_at`.
///
/// # Errors
/// When the database fails. Then the lease lapses by itself.
pub async fn release(scope: &ProjectScope, lease: &Lease, due_at: Option<DateTime<Utc>>) -> Result<(), db::Error> {
    let statement = scope.statement().await?;
    sqlx::query!(
        "
        update webhook_delivery set lease_id = null, lease_until = null, due_at = $4
        where project_id = $1 and endpoint_id = $2 and lease_id = $3
        ",
        scope.project_id().0,
        lease.endpoint.0,
        lease.id,
        due_at,
    )
    .execute(statement)
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// Gives a lease back with what was achieved. Returns false, and changes nothing, when somebody else has it.
///
/// # Errors
/// When the database fails.
pub async fn settle(
    transaction: &mut ProjectTransaction,
    lease: &Lease,
    position: EventPosition,
    health: &Health,
) -> Result<bool, db::Error> {
    let Health { failures, failing_since, last_success_at, due_at } = health;
    let done = sqlx::query!(
        "
        update webhook_delivery
        set lease_id = null, lease_until = null, position = $4, failures = $5, failing_since = $6,
            last_success_at = $7, due_at = $8
        where project_id = $1 and endpoint_id = $2 and lease_id = $3
        ",
        transaction.project_id().0,
        lease.endpoint.0,
        lease.id,
        position.0,
        i32::try_from(*failures).unwrap_or(i32::MAX),
        *failing_since,
        *last_success_at,
        *due_at,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(done.rows_affected() == 1)
}
