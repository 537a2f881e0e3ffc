//! Finds connections with work on a distributed database.
//!
//! Citus runs no recursive statement over several nodes. So each node reads all open writes of its connections.

use uuid::Uuid;

use crate::auth::Worker;
use crate::db;
use crate::domain::{ConnectionId, ProjectId};

/// The connections with open writes that follow `after` in the order of their ids, at most `limit`: with their
/// project, and whether a write is due and its software may be called.
///
/// # Errors
/// When the database fails.
pub(super) async fn due_on_nodes(
    worker: &Worker,
    after: Option<ConnectionId>,
    limit: u16,
) -> Result<Vec<(ConnectionId, ProjectId, bool)>, db::Error> {
    let statement = worker.statement().await?;
    let rows = sqlx::query!(
        r#"
        with connections_with_open_writes as (
            select connection_id, min(due_at) as due_at from remote_write
            where due_at is not null and connection_id > $1
            group by connection_id order by connection_id limit $2
        )
        select found.connection_id, connection.project_id,
               found.due_at <= clock_timestamp()
                   and (software.retry_at is null or software.retry_at <= clock_timestamp())
                   and (software.status = 'valid' or connection.revoked_at is not null) as "is_due!"
        from connections_with_open_writes found
        join connection on connection.id = found.connection_id
        join connection_software software on software.connection_id = found.connection_id
        order by found.connection_id
        "#,
        after.map_or(Uuid::nil(), |id| id.0),
        i64::from(limit),
    )
    .fetch_all(statement)
    .await?;
    let due = |connection, project, is_due| (ConnectionId(connection), ProjectId(project), is_due);
    Ok(rows.into_iter().map(|row| due(row.connection_id, row.project_id, row.is_due)).collect())
}
