//! Stores a new endpoint.

use crate::auth::{ProjectScope, ProjectTransaction};
use crate::db;
use crate::domain::{ConnectionId, FreeText};
use crate::webhooks::delivery;
use crate::webhooks::endpoints::Endpoint;

/// What became of a new endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is stored.
    Stored,
    /// The project has as many as it may have.
    TooMany,
    /// There is no such project.
    NoSuchProject,
}

/// Stores an endpoint, unless the project has `max` already.
///
/// # Errors
/// When the database fails.
pub async fn insert(scope: &ProjectScope, endpoint: &Endpoint, max: i64) -> Result<Inserted, db::Error> {
    let mut transaction = scope.transaction().await?;
    if !exists(&mut transaction).await? {
        return Ok(Inserted::NoSuchProject);
    }
    // One at a time in a project, so that two at once do not both count one too few.
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended($1, 0))",
        format!("webhook_endpoint {}", scope.project_id())
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    let patterns: Vec<_> = endpoint.event_types.iter().map(|pattern| pattern.as_str().to_owned()).collect();
    let done = sqlx::query!(
        "
        insert into webhook_endpoint (project_id, id, url, description, event_types, connection_id, payload_format,
                                      signature_scheme, secret, created_at, modified_at)
        select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10
        where (select count(*) from webhook_endpoint where project_id = $1) < $11
        ",
        scope.project_id().0,
        endpoint.id.0,
        endpoint.url.as_str(),
        endpoint.description.as_ref().map(FreeText::as_str),
        &patterns,
        endpoint.connection_id.map(|id| id.0),
        endpoint.payload_format.as_str(),
        endpoint.signature_scheme.as_str(),
        endpoint.secrets.current,
        endpoint.created_at,
        max,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    if done.rows_affected() == 1 {
        delivery::begin(&mut transaction, endpoint.id, endpoint.created_at).await?;
    }
    transaction.commit().await?;
    Ok(if done.rows_affected() == 1 { Inserted::Stored } else { Inserted::TooMany })
}

/// Whether there is such a project. The table has no foreign key to it.
async fn exists(transaction: &mut ProjectTransaction) -> Result<bool, db::Error> {
    let project = transaction.project_id().0;
    let exists = sqlx::query_scalar!(r#"select exists (select from project where id = $1) as "exists!""#, project)
        .fetch_one(transaction.executor())
        .await?;
    Ok(exists)
}

/// Whether the project has such a connection.
///
/// # Errors
/// When the database fails.
pub async fn connection_exists(scope: &ProjectScope, connection: ConnectionId) -> Result<bool, db::Error> {
    let statement = scope.statement().await?;
    let exists = sqlx::query_scalar!(
        r#"select exists (select from connection where project_id = $1 and id = $2) as "exists!""#,
        scope.project_id().0,
        connection.0,
    )
    .fetch_one(statement)
    .await?;
    Ok(exists)
}
