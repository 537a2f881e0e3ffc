//! Pulls that somebody asks for, and whose connections have something to pull.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::millis;
use crate::auth::ProjectScope;
use crate::db;
use crate::domain::ConnectionId;

/// A pull that somebody asked for.
#[derive(Debug)]
pub struct Requested {
    /// When it was asked for.
    pub at: DateTime<Utc>,
    /// The software that it reads.
    pub provider: String,
}

/// Asks for a pull out of turn: of one connection, or of all of a project that are not revoked. Those without software
/// have none. Asked again within `pause`, it is the same one.
///
/// # Errors
/// When the database fails.
pub async fn request(
    project: &ProjectScope,
    connection: Option<ConnectionId>,
    pause: Duration,
) -> Result<Vec<Requested>, db::Error> {
    let statement = project.statement().await?;
    // In one order, so that two such calls do not wait for each other.
    let rows = sqlx::query!(
        r#"
        with requested as (
            insert into pull (connection_id, due_at, requested_at, created_at)
            select software.connection_id, statement_timestamp(), statement_timestamp(), statement_timestamp()
            from connection_software software
            join connection on connection.id = software.connection_id
            where connection.project_id = $1
                  and case when $2::uuid is null then connection.revoked_at is null else connection.id = $2 end
            order by software.connection_id
            on conflict (connection_id) do update
            set due_at = case when excluded.requested_at - pull.requested_at < $3::bigint * interval '1 millisecond'
                              then pull.due_at else least(pull.due_at, excluded.due_at) end,
                requested_at = case when excluded.requested_at - pull.requested_at < $3::bigint * interval '1 millisecond'
                                    then pull.requested_at else excluded.requested_at end
            returning connection_id, requested_at
        )
        select requested_at as "at!", provider as "provider!"
        from requested join connection on connection.id = requested.connection_id
        "#,
        project.project_id().0,
        connection.map(|id| id.0),
        millis(pause),
    )
    .fetch_all(statement)
    .await
    .map_err(db::Error::of_write)?;
    Ok(rows.into_iter().map(|row| Requested { at: row.at, provider: row.provider }).collect())
}

/// The connections of a project that have software and are not revoked, newest first, and when each is pulled next:
/// `None` before the first pull.
///
/// # Errors
/// When the database fails.
pub async fn connections(
    project: &ProjectScope,
    limit: u16,
) -> Result<Vec<(ConnectionId, Option<DateTime<Utc>>)>, db::Error> {
    let statement = project.statement().await?;
    let rows = sqlx::query!(
        r#"
        select connection.id, pull.due_at as "due_at?"
        from connection
        join connection_software on connection_software.connection_id = connection.id
        left join pull on pull.connection_id = connection_software.connection_id
        where connection.project_id = $1 and connection.revoked_at is null
        order by connection.id desc limit $2
        "#,
        project.project_id().0,
        i64::from(limit),
    )
    .fetch_all(statement)
    .await?;
    Ok(rows.into_iter().map(|row| (ConnectionId(row.id), row.due_at)).collect())
}
