//! Reads when the connections of a project were made.

use crate::auth::ProjectScope;
use crate::db;
use crate::domain::{ConnectionId, EventPosition};
use crate::events::event::CreatedConnection;

/// Reads the events that announce new connections of a project, newest first; of one connection where it is named.
/// Events without a position yet are not seen; see [`super::sequence()`].
///
/// # Errors
/// When the database fails.
pub async fn created_connections(
    scope: &ProjectScope,
    connection: Option<ConnectionId>,
    skip: i64,
    limit: u8,
) -> Result<Vec<CreatedConnection>, db::Error> {
    let statement = scope.statement().await?;
    let rows = sqlx::query!(
        r#"
        select position, connection_id as "connection_id!", created_at,
               (select provider from connection where connection.id = event.connection_id) as "provider!"
        from event where project_id = $1 and type = 'connection.created' and ($2::uuid is null or connection_id = $2)
        order by position desc offset $3 limit $4
        "#,
        scope.project_id().0,
        connection.map(|id| id.0),
        skip,
        i64::from(limit),
    )
    .fetch_all(statement)
    .await?;
    let created = rows.into_iter().map(|row| CreatedConnection {
        position: EventPosition(row.position),
        connection_id: ConnectionId(row.connection_id),
        provider: row.provider,
        created_at: row.created_at,
    });
    Ok(created.collect())
}
