//! Announces changes.

use uuid::Uuid;

use crate::auth::{JobTransaction, OperatorTransaction, ProjectTransaction};
use crate::db;
use crate::domain::{ConnectionId, EventPosition, EventType};

/// The most objects of a row: those of a batch of payments. So a step of the sequencer is bounded by its rows.
const OBJECTS: usize = 128;

/// Announces a change of objects of one connection, in the transaction that changes them. `state` is a JSON object.
///
/// # Errors
/// When the database fails.
pub async fn announce(
    transaction: &mut JobTransaction,
    kind: EventType,
    objects: &[Uuid],
    state: Option<&str>,
) -> Result<(), db::Error> {
    for objects in objects.chunks(OBJECTS) {
        sqlx::query!(
            "insert into event_outbox (project_id, connection_id, type, objects, state, created_at)
             values ($1, $2, $3, $4, $5::text::json, clock_timestamp())",
            transaction.project_id().0,
            transaction.connection_id().0,
            kind.as_str(),
            objects,
            state,
        )
        .execute(transaction.executor())
        .await
        .map_err(db::Error::of_write)?;
    }
    Ok(())
}

/// Announces what an operator does with a connection, in the transaction that does it.
///
/// # Errors
/// When the database fails.
pub async fn announce_connection(
    transaction: &mut OperatorTransaction,
    connection: ConnectionId,
    kind: EventType,
) -> Result<(), db::Error> {
    sqlx::query!(
        "insert into event_outbox (project_id, connection_id, type, objects, created_at)
         select project_id, id, $2, array[id], clock_timestamp() from connection where id = $1",
        connection.0,
        kind.as_str(),
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// Appends an event of the project alone to its feed. It has its position at once, so the transaction must be short.
///
/// # Errors
/// When the database fails.
pub async fn append(
    transaction: &mut ProjectTransaction,
    kind: EventType,
    object: Uuid,
) -> Result<EventPosition, db::Error> {
    let project = transaction.project_id().0;
    let position = sqlx::query_scalar!(
        "with feed as (
             insert into event_feed (project_id, last_position) values ($1, 1)
             on conflict (project_id) do update set last_position = event_feed.last_position + 1
             returning last_position
         )
         insert into event (project_id, position, type, object_id, created_at)
         select $1, last_position, $2, $3, clock_timestamp() from feed
         returning position",
        project,
        kind.as_str(),
        object,
    )
    .fetch_one(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(EventPosition(position))
}
