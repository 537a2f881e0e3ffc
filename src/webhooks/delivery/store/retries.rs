//! Events that are sent by themselves: again after a failure, or because somebody asked for it.

use chrono::{DateTime, Utc};

use crate::auth::{ProjectScope, ProjectTransaction};
use crate::db;
use crate::domain::{EventPosition, WebhookEndpointId};

/// An event that is to be sent to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Which one.
    pub position: EventPosition,
    /// Attempts so far.
    pub attempts: u16,
    /// It is not sent before.
    pub due_at: DateTime<Utc>,
}

/// How many events wait to be sent by themselves.
///
/// # Errors
/// When the database fails.
pub async fn open_retries(scope: &ProjectScope, endpoint: WebhookEndpointId) -> Result<i64, db::Error> {
    let statement = scope.statement().await?;
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from webhook_retry where project_id = $1 and endpoint_id = $2"#,
        scope.project_id().0,
        endpoint.0,
    )
    .fetch_one(statement)
    .await?;
    Ok(count)
}

/// Those that are due, the earliest in the feed first, at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn due_retries(
    scope: &ProjectScope,
    endpoint: WebhookEndpointId,
    now: DateTime<Utc>,
    limit: u16,
) -> Result<Vec<Retry>, db::Error> {
    let statement = scope.statement().await?;
    let rows = sqlx::query!(
        "
        select position, attempts, due_at from webhook_retry
        where project_id = $1 and endpoint_id = $2 and due_at <= $3
        order by position
        limit $4
        ",
        scope.project_id().0,
        endpoint.0,
        now,
        i64::from(limit),
    )
    .fetch_all(statement)
    .await?;
    let retry = |position, attempts: i16, due_at| Retry {
        position: EventPosition(position),
        attempts: u16::try_from(attempts).unwrap_or_default(),
        due_at,
    };
    Ok(rows.into_iter().map(|row| retry(row.position, row.attempts, row.due_at)).collect())
}

/// Stores when events are sent by themselves.
///
/// # Errors
/// When the database fails.
pub async fn put_retries(
    transaction: &mut ProjectTransaction,
    endpoint: WebhookEndpointId,
    retries: &[Retry],
) -> Result<(), db::Error> {
    if retries.is_empty() {
        return Ok(());
    }
    let positions: Vec<_> = retries.iter().map(|retry| retry.position.0).collect();
    let attempts: Vec<_> = retries.iter().map(|retry| i16::try_from(retry.attempts).unwrap_or(i16::MAX)).collect();
    let due_at: Vec<_> = retries.iter().map(|retry| retry.due_at).collect();
    sqlx::query!(
        "
        insert into webhook_retry (project_id, endpoint_id, position, attempts, due_at)
        select $1, $2, * from unnest($3::bigint[], $4::smallint[], $5::timestamptz[])
        on conflict (project_id, endpoint_id, position) do update
        set attempts = excluded.attempts, due_at = excluded.due_at
        ",
        transaction.project_id().0,
        endpoint.0,
        &positions,
        &attempts,
        &due_at,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// Ends retries: the events were delivered, or given up.
///
/// # Errors
/// When the database fails.
pub async fn end_retries(
    transaction: &mut ProjectTransaction,
    endpoint: WebhookEndpointId,
    positions: &[i64],
) -> Result<(), db::Error> {
    if positions.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "delete from webhook_retry where project_id = $1 and endpoint_id = $2 and position = any($3)",
        transaction.project_id().0,
        endpoint.0,
        positions,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// Makes all retries of an endpoint due: it works again.
///
/// # Errors
/// When the database fails.
pub async fn hasten(
    transaction: &mut ProjectTransaction,
    endpoint: WebhookEndpointId,
    now: DateTime<Utc>,
) -> Result<(), db::Error> {
    sqlx::query!(
        "update webhook_retry set due_at = $3 where project_id = $1 and endpoint_id = $2 and due_at > $3",
        transaction.project_id().0,
        endpoint.0,
        now,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}
