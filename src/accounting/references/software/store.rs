//! What is read before a payment is written into the software. It is one statement, because every create call waits.

use serde_json::value::RawValue;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Object, Software};
use crate::auth::Scope;
use crate::connectors::registry;
use crate::db;
use crate::domain::ReferenceId;
use crate::domain::references::Resource;

/// The software, and one of the objects: all rows have the same software.
struct Row {
    provider: String,
    company: Option<String>,
    base_currency: Option<String>,
    may_be_called: bool,
    /// `None` where none of the objects is there. So are the members below.
    connection_id: Option<Uuid>,
    id: Option<Uuid>,
    resource: Option<String>,
    remote_id: Option<String>,
    fields: Option<Json<Box<RawValue>>>,
    remote_data: Option<Json<Box<RawValue>>>,
}

/// Reads the software behind the connection, and the objects of any resource that have these ids. Unknown ones are left
/// out, and so are those that are gone in the software.
///
/// Each id is looked up by itself. For `id = any(…)` Postgres would read all objects of the connection. The array comes
/// from a subquery: Postgres does not see its length, and so keeps one generic plan.
///
/// # Errors
/// When the database fails, and when the connection has no software that this server has a connector for.
pub async fn software(scope: &Scope, ids: &[ReferenceId]) -> Result<(Software, Vec<Object>), db::Error> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"
        select connection.provider, company, base_currency, status = 'valid' as "may_be_called!",
               reference.connection_id as "connection_id?", reference.id as "id?", resource as "resource?",
               remote_id as "remote_id?", fields as "fields?: _", remote_data as "remote_data?: _"
        from connection
        join connection_software on connection_software.connection_id = connection.id
        left join (
            unnest((select $2::uuid[])) as wanted (wanted_id)
            cross join lateral (select * from reference where connection_id = $1 and id = wanted_id limit 1) as reference
        ) on not remote_was_deleted
        where connection.id = $1
        "#,
        scope.connection_id().0,
        &ids,
    )
    .fetch_all(scope.statement().await?)
    .await?;
    let software = Software::of_row(rows.first().ok_or(sqlx::Error::RowNotFound)?)?;
    let objects = rows.into_iter().filter_map(|row| row.into_object(scope).transpose());
    Ok((software, objects.collect::<Result<_, _>>()?))
}

impl Software {
    fn of_row(row: &Row) -> Result<Self, sqlx::Error> {
        let unknown = || sqlx::Error::Decode(format!("there is no connector for `{}`", row.provider).into());
        Ok(Self {
            provider: registry::find(&row.provider).ok_or_else(unknown)?,
            company: row.company.as_deref().map(str::parse).transpose().map_err(db::corrupt_row)?,
            base_currency: row.base_currency.as_deref().map(str::parse).transpose().map_err(db::corrupt_row)?,
            may_be_called: row.may_be_called,
        })
    }
}

impl Row {
    /// The object. There is none in the row of a payment that refers to nothing, and none whose resource this version does
    /// not know: it could not have been asked for.
    fn into_object(self, scope: &Scope) -> Result<Option<Object>, sqlx::Error> {
        let (Some(connection_id), Some(id), Some(resource), Some(remote_id), Some(fields), Some(remote_data)) =
            (self.connection_id, self.id, self.resource, self.remote_id, self.fields, self.remote_data)
        else {
            return Ok(None);
        };
        scope.require_own(connection_id)?;
        let Some(resource) = Resource::ALL.iter().copied().find(|known| known.as_str() == resource) else {
            return Ok(None);
        };
        Ok(Some(Object {
            id: ReferenceId(id),
            resource,
            remote_id: remote_id.parse().map_err(db::corrupt_row)?,
            fields: fields.0,
            remote_data: remote_data.0,
        }))
    }
}
