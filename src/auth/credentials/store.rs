//! The two statements of authentication. They take the database itself, because there is no scope before it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{self, Database};
use crate::domain::{ApiKeyId, ApiKeyScopes, ConnectionId, ProjectId};

/// The key and the connection that two secrets belong to.
#[derive(Debug, Clone, Copy)]
pub(in crate::auth) struct CredentialRow {
    pub project_id: ProjectId,
    pub api_key: ApiKeyRow,
    /// `None` when no connection *of the key's project* has the token.
    pub connection: Option<ConnectionRow>,
}

/// An API key, as authentication needs it.
#[derive(Debug, Clone, Copy)]
pub(in crate::auth) struct ApiKeyRow {
    pub id: ApiKeyId,
    pub scopes: ApiKeyScopes,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A connection, as authentication needs it.
#[derive(Debug, Clone, Copy)]
pub(in crate::auth) struct ConnectionRow {
    pub id: ConnectionId,
    /// Whether there is accounting software behind it. This never changes.
    pub has_software: bool,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Looks up a key and a token in one round trip. The join compares the two projects, so the token of another project is
/// as unknown as one that does not exist.
pub(in crate::auth) async fn find(
    database: &Database,
    key: &[u8; 32],
    token: &[u8; 32],
) -> Result<Option<CredentialRow>, db::Error> {
    let statement = database.statement().await?;
    let row = sqlx::query!(
        r#"
        select k.id, k.project_id, k.scopes, k.expires_at, k.revoked_at,
               c.id as "connection_id?", c.provider <> 'none' as has_software, c.expires_at as "connection_expires_at?",
               c.revoked_at as "connection_revoked_at?"
        from api_key k
        left join connection c on c.secret_hash = $2 and c.project_id = k.project_id
        where k.secret_hash = $1
        "#,
        key,
        token,
    )
    .fetch_optional(statement)
    .await?;
    Ok(row.map(|row| CredentialRow {
        project_id: ProjectId(row.project_id),
        api_key: ApiKeyRow {
            id: ApiKeyId(row.id),
            scopes: ApiKeyScopes::of_names(row.scopes),
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        },
        connection: row.connection_id.map(|id| ConnectionRow {
            id: ConnectionId(id),
            has_software: row.has_software.unwrap_or(false),
            expires_at: row.connection_expires_at,
            revoked_at: row.connection_revoked_at,
        }),
    }))
}

/// Writes when keys and connections were last used, in one statement. `greatest`, because another server may have
/// written a later time. If two servers deadlock here, Postgres aborts one, which writes again a minute later.
pub(in crate::auth) async fn write_last_used(
    database: &Database,
    api_keys: &HashMap<Uuid, DateTime<Utc>>,
    connections: &HashMap<Uuid, DateTime<Utc>>,
) -> Result<(), db::Error> {
    let split = |uses: &HashMap<Uuid, DateTime<Utc>>| -> (Vec<Uuid>, Vec<DateTime<Utc>>) {
        uses.iter().map(|(&id, &at)| (id, at)).unzip()
    };
    let ((key_ids, key_times), (connection_ids, connection_times)) = (split(api_keys), split(connections));
    let statement = database.statement().await?;
    sqlx::query!(
        r#"
        with keys as (
            update api_key k set last_used_at = greatest(k.last_used_at, used.at)
            from unnest($1::uuid[], $2::timestamptz[]) as used (id, at)
            where k.id = used.id
        )
        update connection c set last_used_at = greatest(c.last_used_at, used.at)
        from unnest($3::uuid[], $4::timestamptz[]) as used (id, at)
        where c.id = used.id
        "#,
        &key_ids,
        &key_times,
        &connection_ids,
        &connection_times,
    )
    .execute(statement)
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}
