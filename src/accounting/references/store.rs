//! References in Postgres. Only sync writes them.

use sqlx::types::Json;

use super::Reference;
use crate::auth::Scope;
use crate::db;
use crate::domain::references::Resource;
use crate::domain::{ReferenceId, RemoteId};

/// Reads objects of a resource by their ids. Unknown ones are left out, and so are those that are gone in the software.
///
/// # Errors
/// When the database fails.
pub async fn find(scope: &Scope, resource: Resource, ids: &[ReferenceId]) -> Result<Vec<Reference>, db::Error> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let statement = scope.statement().await?;
    let rows = sqlx::query!(
        r#"
        select id, remote_id, fields as "fields: Json<Box<serde_json::value::RawValue>>",
               remote_data as "remote_data: Json<Box<serde_json::value::RawValue>>", remote_updated_at,
               remote_was_deleted, created_at, modified_at
        from reference
        where connection_id = $1 and resource = $2 and id = any ($3) and not remote_was_deleted
        "#,
        scope.connection_id().0,
        resource.as_str(),
        &ids,
    )
    .fetch_all(statement)
    .await?;
    let references = rows.into_iter().map(|row| {
        Ok(Reference {
            id: ReferenceId(row.id),
            remote_id: row.remote_id.parse::<RemoteId>().map_err(db::corrupt_row)?,
            fields: row.fields.0,
            remote_data: row.remote_data.0,
            remote_updated_at: row.remote_updated_at,
            remote_was_deleted: row.remote_was_deleted,
            created_at: row.created_at,
            modified_at: row.modified_at,
        })
    });
    Ok(references.collect::<Result<_, sqlx::Error>>()?)
}
