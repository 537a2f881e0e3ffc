//! Objects are read by their ids.

use super::rows::ReferenceRow;
use crate::accounting::references::Reference;
use crate::auth::Scope;
use crate::db;
use crate::domain::ReferenceId;
use crate::domain::references::Resource;

/// Reads objects of a resource by their ids. Unknown ones are left out, and so are those that are gone in the software.
///
/// # Errors
/// When the database fails.
pub async fn find(scope: &Scope, resource: Resource, ids: &[ReferenceId]) -> Result<Vec<Reference>, db::Error> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query_as!(
        ReferenceRow,
        r#"
        select connection_id, id, remote_id, fields as "fields: _", remote_data as "remote_data: _", remote_updated_at,
               remote_was_deleted, created_at, modified_at, true as "matches!", false as "is_scan_end!"
        from reference
        where connection_id = $1 and resource = $2 and id = any ($3) and not remote_was_deleted
        "#,
        scope.connection_id().0,
        resource.as_str(),
        &ids,
    )
    .fetch_all(scope.statement().await?)
    .await?;
    Ok(rows.into_iter().map(|row| row.into_reference(scope)).collect::<Result<_, _>>()?)
}

/// Reads one object of a resource, also one that is gone in the software; the software's own record where it is asked
/// for.
///
/// # Errors
/// When the database fails.
pub async fn read(
    scope: &Scope,
    resource: Resource,
    id: ReferenceId,
    remote_data: bool,
) -> Result<Option<Reference>, db::Error> {
    let row = sqlx::query_as!(
        ReferenceRow,
        r#"
        select connection_id, id, remote_id, fields as "fields: _",
               case when $4 then remote_data else 'null' end as "remote_data!: _", remote_updated_at,
               remote_was_deleted, created_at, modified_at, true as "matches!", false as "is_scan_end!"
        from reference
        where connection_id = $1 and resource = $2 and id = $3
        "#,
        scope.connection_id().0,
        resource.as_str(),
        id.0,
        remote_data,
    )
    .fetch_optional(scope.statement().await?)
    .await?;
    Ok(row.map(|row| row.into_reference(scope)).transpose()?)
}
