//! Connections in Postgres.

use chrono::{DateTime, Utc};

use super::{Connection, Provider};
use crate::auth::{Operator, OperatorTransaction, Secret};
use crate::db;
use crate::domain::{ConnectionId, DisplayName, ProjectId};
use crate::management::Credential;

/// Stores a connection and the hash of its token.
///
/// # Errors
/// [`db::Error::Constraint`] when there is no such project, or when the database fails.
pub(super) async fn insert(
    transaction: &mut OperatorTransaction,
    connection: &Connection,
    token: &Secret,
) -> Result<(), db::Error> {
    sqlx::query!(
        "insert into connection (id, project_id, label, provider, secret_hash, hint, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        connection.id.0,
        connection.project_id.0,
        connection.label.as_str(),
        connection.provider.slug(),
        &token.hash(),
        connection.credential.last_four,
        connection.credential.created_at,
        connection.credential.expires_at,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// Lists connections, oldest first: a project's, or all.
///
/// # Errors
/// When the database fails.
pub async fn list(operator: &Operator, project: Option<ProjectId>) -> Result<Vec<Connection>, db::Error> {
    let statement = operator.statement().await?;
    let rows = sqlx::query!(
        "select id, project_id, label, provider, hint, created_at, expires_at, revoked_at, last_used_at
         from connection where $1::uuid is null or project_id = $1 order by id",
        project.map(|id| id.0),
    )
    .fetch_all(statement)
    .await?;
    let connections = rows.into_iter().map(|row| {
        Ok(Connection {
            id: ConnectionId(row.id),
            project_id: ProjectId(row.project_id),
            label: row.label.parse::<DisplayName>().map_err(db::corrupt_row)?,
            provider: row.provider.parse::<Provider>().map_err(db::corrupt_row)?,
            credential: Credential {
                last_four: row.hint,
                created_at: row.created_at,
                expires_at: row.expires_at,
                revoked_at: row.revoked_at,
                last_used_at: row.last_used_at,
            },
        })
    });
    Ok(connections.collect::<Result<_, sqlx::Error>>()?)
}

/// Revokes a connection's token from `now` on and returns whether there is such a connection. One that is revoked
/// already keeps its time. The connection's payments stay.
///
/// # Errors
/// When the database fails.
pub async fn revoke(operator: &Operator, id: ConnectionId, now: DateTime<Utc>) -> Result<bool, db::Error> {
    let statement = operator.statement().await?;
    let done = sqlx::query!("update connection set revoked_at = coalesce(revoked_at, $2) where id = $1", id.0, now)
        .execute(statement)
        .await
        .map_err(db::Error::of_write)?;
    Ok(done.rows_affected() == 1)
}
