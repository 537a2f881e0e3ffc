//! One object is read.

use super::rows::ReferenceRow;
use crate::accounting::references::Reference;
use crate::auth::Scope;
use crate::db;
use crate::domain::ReferenceId;
use crate::domain::references::Resource;

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
