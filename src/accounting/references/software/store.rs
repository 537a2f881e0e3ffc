//! What is read before a payment is written into the software: one statement each, because every create call waits.

use sqlx::types::Json;

use super::Software;
use crate::accounting::references::Reference;
use crate::auth::Scope;
use crate::connectors::registry;
use crate::db;
use crate::domain::ReferenceId;
use crate::domain::references::Resource;

/// Reads the software behind the connection.
///
/// # Errors
/// When the database fails, and when the connection has no software that this server has a connector for.
pub async fn software(scope: &Scope) -> Result<Software, db::Error> {
    let row = sqlx::query!(
        r#"
        select connection.provider, company, base_currency
        from connection
        join connection_software on connection_software.connection_id = connection.id
        where connection.id = $1
        "#,
        scope.connection_id().0,
    )
    .fetch_one(scope.statement().await?)
    .await?;
    let unknown = || sqlx::Error::Decode(format!("there is no connector for `{}`", row.provider).into());
    Ok(Software {
        provider: registry::find(&row.provider).ok_or_else(unknown)?,
        company: row.company.map(|company| company.parse()).transpose().map_err(db::corrupt_row)?,
        base_currency: row.base_currency.map(|currency| currency.parse()).transpose().map_err(db::corrupt_row)?,
    })
}

/// Reads objects of any resource by their ids. Unknown ones are left out, and so are those that are gone in the software.
///
/// Each id is looked up by itself. For `id = any(…)` Postgres would read all objects of the connection.
///
/// # Errors
/// When the database fails.
pub async fn referred(scope: &Scope, ids: &[ReferenceId]) -> Result<Vec<(Resource, Reference)>, db::Error> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"
        select connection_id, id, resource, remote_id, fields as "fields: Json<Box<serde_json::value::RawValue>>",
               remote_data as "remote_data: Json<Box<serde_json::value::RawValue>>", remote_updated_at,
               remote_was_deleted, created_at, modified_at
        from unnest($2::uuid[]) as wanted (wanted_id)
        cross join lateral (select * from reference where connection_id = $1 and id = wanted_id limit 1) as reference
        where not remote_was_deleted
        "#,
        scope.connection_id().0,
        &ids,
    )
    .fetch_all(scope.statement().await?)
    .await?;
    rows.iter().try_for_each(|row| scope.require_own(row.connection_id))?;
    // A resource that this version does not know is none that it could have been asked for.
    let known = rows.into_iter().filter_map(|row| {
        let resource = Resource::ALL.iter().copied().find(|resource| resource.as_str() == row.resource)?;
        Some(row.remote_id.parse().map_err(db::corrupt_row).map(|remote_id| {
            let reference = Reference {
                id: ReferenceId(row.id),
                remote_id,
                fields: row.fields.0,
                remote_data: row.remote_data.0,
                remote_updated_at: row.remote_updated_at,
                remote_was_deleted: row.remote_was_deleted,
                created_at: row.created_at,
                modified_at: row.modified_at,
            };
            (resource, reference)
        }))
    });
    Ok(known.collect::<Result<_, sqlx::Error>>()?)
}
