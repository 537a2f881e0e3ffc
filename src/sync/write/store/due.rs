//! Finds connections with work, in all projects.

use uuid::Uuid;

use super::due_on_nodes::due_on_nodes;
use crate::auth::Worker;
use crate::db;
use crate::domain::{ConnectionId, ProjectId};

/// A connection that has open writes.
#[derive(Debug, Clone, Copy)]
pub struct DueConnection {
    /// The connection.
    pub connection_id: ConnectionId,
    /// Its project.
    pub project_id: ProjectId,
    /// Whether a write is due and its software may be called.
    pub is_due: bool,
}

/// The connections with open writes that follow `after` in the order of their ids, at most `limit`. It looks at one row
/// of the index for each of them, however many writes they have.
///
/// # Errors
/// When the database fails.
pub async fn due(worker: &Worker, after: Option<ConnectionId>, limit: u16) -> Result<Vec<DueConnection>, db::Error> {
    if worker.is_distributed() {
        let found = due_on_nodes(worker, after, limit).await?;
        let due = |(connection_id, project_id, is_due)| DueConnection { connection_id, project_id, is_due };
        return Ok(found.into_iter().map(due).collect());
    }
    let statement = worker.statement().await?;
    let rows = sqlx::query!(
        r#"
        with recursive connections_with_open_writes as (
            (
                select connection_id, due_at from remote_write
                where due_at is not null and connection_id > $1
                order by connection_id, due_at limit 1
            )
            union all
            select next.connection_id, next.due_at
            from connections_with_open_writes earlier, lateral (
                select connection_id, due_at from remote_write
                where due_at is not null and connection_id > earlier.connection_id
                order by connection_id, due_at limit 1
            ) next
        )
        select found.connection_id as "connection_id!", connection.project_id,
               found.due_at <= clock_timestamp()
                   and (software.retry_at is null or software.retry_at <= clock_timestamp())
                   and (software.status = 'valid' or connection.revoked_at is not null) as "is_due!"
        from (select connection_id, due_at from connections_with_open_writes limit $2) found
        join connection on connection.id = found.connection_id
        join connection_software software on software.connection_id = found.connection_id
        order by found.connection_id
        "#,
        after.map_or(Uuid::nil(), |id| id.0),
        i64::from(limit),
    )
    .fetch_all(statement)
    .await?;
    let connections = rows.into_iter().map(|row| DueConnection {
        connection_id: ConnectionId(row.connection_id),
        project_id: ProjectId(row.project_id),
        is_due: row.is_due,
    });
    Ok(connections.collect())
}
