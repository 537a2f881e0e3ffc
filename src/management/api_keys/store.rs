//! API keys in Postgres.

use chrono::{DateTime, Utc};

use super::ApiKey;
use crate::auth::{Operator, OperatorTransaction, Secret};
use crate::db;
use crate::domain::{ApiKeyId, ApiKeyScopes, DisplayName, ProjectId};
use crate::management::Credential;

/// Stores a key and the hash of its secret. `read_only` is for servers of the version before scopes.
///
/// # Errors
/// [`db::Error::Constraint`] when there is no such project, or when the database fails.
pub(super) async fn insert(
    transaction: &mut OperatorTransaction,
    key: &ApiKey,
    secret: &Secret,
) -> Result<(), db::Error> {
    let scopes: Vec<_> = key.scopes.names().map(str::to_owned).collect();
    sqlx::query!(
        "insert into api_key (id, project_id, name, secret_hash, hint, scopes, read_only, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, not 'payments:write' = any ($6), $7, $8)",
        key.id.0,
        key.project_id.0,
        key.name.as_str(),
        &secret.hash(),
        key.credential.last_four,
        &scopes,
        key.credential.created_at,
        key.credential.expires_at,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// Lists keys, oldest first: a project's, or all.
///
/// # Errors
/// When the database fails.
pub async fn list(operator: &Operator, project: Option<ProjectId>) -> Result<Vec<ApiKey>, db::Error> {
    let statement = operator.statement().await?;
    let rows = sqlx::query!(
        "select id, project_id, name, hint, scopes, created_at, expires_at, revoked_at, last_used_at
         from api_key where $1::uuid is null or project_id = $1 order by id",
        project.map(|id| id.0),
    )
    .fetch_all(statement)
    .await?;
    let keys = rows.into_iter().map(|row| {
        Ok(ApiKey {
            id: ApiKeyId(row.id),
            project_id: ProjectId(row.project_id),
            name: row.name.parse::<DisplayName>().map_err(db::corrupt_row)?,
            scopes: ApiKeyScopes::of_names(row.scopes),
            credential: Credential {
                last_four: row.hint,
                created_at: row.created_at,
                expires_at: row.expires_at,
                revoked_at: row.revoked_at,
                last_used_at: row.last_used_at,
            },
        })
    });
    Ok(keys.collect::<Result<_, sqlx::Error>>()?)
}

/// Revokes a key from `now` on and returns whether there is such a key. One that is revoked already keeps its time.
///
/// # Errors
/// When the database fails.
pub async fn revoke(operator: &Operator, id: ApiKeyId, now: DateTime<Utc>) -> Result<bool, db::Error> {
    let statement = operator.statement().await?;
    let done = sqlx::query!("update api_key set revoked_at = coalesce(revoked_at, $2) where id = $1", id.0, now)
        .execute(statement)
        .await
        .map_err(db::Error::of_write)?;
    Ok(done.rows_affected() == 1)
}
