//! Reads endpoints.

use super::row::Row;
use crate::auth::ProjectScope;
use crate::db;
use crate::domain::WebhookEndpointId;
use crate::webhooks::endpoints::Endpoint;

/// Lists the endpoints of a project, oldest first. They are few.
///
/// # Errors
/// When the database fails.
pub async fn list(scope: &ProjectScope) -> Result<Vec<Endpoint>, db::Error> {
    select(scope, None, false).await
}

/// Lists those that get events.
///
/// # Errors
/// When the database fails.
pub async fn active(scope: &ProjectScope) -> Result<Vec<Endpoint>, db::Error> {
    select(scope, None, true).await
}

/// Reads an endpoint; `None` when the project has none with this id.
///
/// # Errors
/// When the database fails.
pub async fn find(scope: &ProjectScope, id: WebhookEndpointId) -> Result<Option<Endpoint>, db::Error> {
    Ok(select(scope, Some(id), false).await?.pop())
}

async fn select(
    scope: &ProjectScope,
    id: Option<WebhookEndpointId>,
    only_active: bool,
) -> Result<Vec<Endpoint>, db::Error> {
    let statement = scope.statement().await?;
    let rows = sqlx::query_as!(
        Row,
        "
        select id, url, description, event_types, connection_id, payload_format, signature_scheme, secret,
               previous_secret, previous_secret_until, disabled_reason, disabled_at, created_at, modified_at
        from webhook_endpoint
        where project_id = $1 and ($2::uuid is null or id = $2) and (not $3 or disabled_reason is null)
        order by id
        ",
        scope.project_id().0,
        id.map(|id| id.0),
        only_active,
    )
    .fetch_all(statement)
    .await?;
    Ok(rows.into_iter().map(Row::endpoint).collect::<Result<_, _>>()?)
}
