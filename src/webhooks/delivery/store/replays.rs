//! Requests to send earlier events again.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::auth::{ProjectScope, ProjectTransaction};
use crate::db::{self, corrupt_row};
use crate::domain::{EventPattern, EventPosition, WebhookEndpointId};
use crate::webhooks::delivery::selection::Selection;

/// A request to send earlier events again, and how far it is.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Its id.
    pub id: Uuid,
    /// Every event up to here was looked at.
    pub position: EventPosition,
    /// The last event that is looked at.
    pub until_position: EventPosition,
    /// Events from then on.
    pub since: DateTime<Utc>,
    /// Events before then.
    pub until: DateTime<Utc>,
    /// Events with such names.
    pub patterns: Vec<EventPattern>,
    /// Which of them.
    pub selection: Selection,
}

/// Stores a request. Returns false, and stores nothing, when the endpoint has `max` already.
///
/// # Errors
/// When the database fails.
pub async fn insert_replay(
    scope: &ProjectScope,
    endpoint: WebhookEndpointId,
    replay: &Replay,
    now: DateTime<Utc>,
    max: u16,
) -> Result<bool, db::Error> {
    let statement = scope.statement().await?;
    let patterns: Vec<_> = replay.patterns.iter().map(|pattern| pattern.as_str().to_owned()).collect();
    let done = sqlx::query!(
        "
        insert into webhook_replay (project_id, endpoint_id, id, position, until_position, since, until, event_types,
                                    selection, created_at)
        select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
        where (select count(*) from webhook_replay where project_id = $1 and endpoint_id = $2) < $11
        ",
        scope.project_id().0,
        endpoint.0,
        replay.id,
        replay.position.0,
        replay.until_position.0,
        replay.since,
        replay.until,
        &patterns,
        replay.selection.as_str(),
        now,
        i64::from(max),
    )
    .execute(statement)
    .await
    .map_err(db::Error::of_write)?;
    Ok(done.rows_affected() == 1)
}

/// The oldest request of an endpoint that is not at its end.
///
/// # Errors
/// When the database fails.
pub async fn next_replay(scope: &ProjectScope, endpoint: WebhookEndpointId) -> Result<Option<Replay>, db::Error> {
    let statement = scope.statement().await?;
    let row = sqlx::query!(
        "
        select id, position, until_position, since, until, event_types, selection from webhook_replay
        where project_id = $1 and endpoint_id = $2
        order by id
        limit 1
        ",
        scope.project_id().0,
        endpoint.0,
    )
    .fetch_optional(statement)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let patterns = row.event_types.iter().map(|text| EventPattern::from_str(text)).collect::<Result<_, _>>();
    Ok(Some(Replay {
        id: row.id,
        position: EventPosition(row.position),
        until_position: EventPosition(row.until_position),
        since: row.since,
        until: row.until,
        patterns: patterns.map_err(corrupt_row)?,
        selection: row.selection.parse().map_err(corrupt_row)?,
    }))
}

/// Events up to `position` were looked at. Returns false when another server has done it.
///
/// # Errors
/// When the database fails.
pub async fn advance(
    transaction: &mut ProjectTransaction,
    endpoint: WebhookEndpointId,
    replay: &Replay,
    position: EventPosition,
) -> Result<bool, db::Error> {
    let done = sqlx::query!(
        "
        update webhook_replay set position = $5
        where project_id = $1 and endpoint_id = $2 and id = $3 and position = $4
        ",
        transaction.project_id().0,
        endpoint.0,
        replay.id,
        replay.position.0,
        position.0,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(done.rows_affected() == 1)
}

/// Ends a request.
///
/// # Errors
/// When the database fails.
pub async fn finish(
    transaction: &mut ProjectTransaction,
    endpoint: WebhookEndpointId,
    replay: &Replay,
) -> Result<(), db::Error> {
    sqlx::query!(
        "delete from webhook_replay where project_id = $1 and endpoint_id = $2 and id = $3",
        transaction.project_id().0,
        endpoint.0,
        replay.id,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}
