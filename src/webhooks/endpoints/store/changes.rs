//! Changes endpoints.

use chrono::{DateTime, Utc};

use crate::auth::{ProjectScope, ProjectTransaction};
use crate::db;
use crate::domain::{FreeText, WebhookEndpointId};
use crate::webhooks::delivery;
use crate::webhooks::endpoints::{DisabledReason, Endpoint, SealedSecrets};

/// Stores what a person can change of an endpoint, and returns whether there still is one. Whether it is disabled is only
/// stored `with_disabled`: the server may disable it at the same time.
///
/// # Errors
/// When the database fails.
pub async fn update(
    transaction: &mut ProjectTransaction,
    endpoint: &Endpoint,
    with_disabled: bool,
) -> Result<bool, db::Error> {
    let patterns: Vec<_> = endpoint.event_types.iter().map(|pattern| pattern.as_str().to_owned()).collect();
    let done = sqlx::query!(
        "
        update webhook_endpoint
        set url = $3, description = $4, event_types = $5, payload_format = $6, signature_scheme = $7,
            disabled_reason = case when $8 then $9 else disabled_reason end,
            disabled_at = case when $8 then $10 else disabled_at end, modified_at = $11
        where project_id = $1 and id = $2
        ",
        transaction.project_id().0,
        endpoint.id.0,
        endpoint.url.as_str(),
        endpoint.description.as_ref().map(FreeText::as_str),
        &patterns,
        endpoint.payload_format.as_str(),
        endpoint.signature_scheme.as_str(),
        with_disabled,
        endpoint.disabled.map(|disabled| disabled.reason.as_str()),
        endpoint.disabled.map(|disabled| disabled.at),
        endpoint.modified_at,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(done.rows_affected() == 1)
}

/// Stores new secrets, unless others than `before` are stored by now. Returns whether it did.
///
/// # Errors
/// When the database fails.
pub async fn rotate(
    scope: &ProjectScope,
    id: WebhookEndpointId,
    before: &SealedSecrets,
    after: &SealedSecrets,
    now: DateTime<Utc>,
) -> Result<bool, db::Error> {
    let statement = scope.statement().await?;
    let (previous, until) = after.previous.as_ref().map(|(sealed, until)| (sealed.as_slice(), *until)).unzip();
    let done = sqlx::query!(
        "
        update webhook_endpoint
        set secret = $4, previous_secret = $5, previous_secret_until = $6, modified_at = $7
        where project_id = $1 and id = $2 and secret = $3
        ",
        scope.project_id().0,
        id.0,
        before.current,
        after.current,
        previous,
        until,
        now,
    )
    .execute(statement)
    .await
    .map_err(db::Error::of_write)?;
    Ok(done.rows_affected() == 1)
}

/// Sends an endpoint no more events. One that a person paused meanwhile stays paused.
///
/// # Errors
/// When the database fails.
pub async fn disable(
    transaction: &mut ProjectTransaction,
    id: WebhookEndpointId,
    reason: DisabledReason,
    now: DateTime<Utc>,
) -> Result<bool, db::Error> {
    let project = transaction.project_id().0;
    let done = sqlx::query!(
        "
        update webhook_endpoint set disabled_reason = $3, disabled_at = $4, modified_at = $4
        where project_id = $1 and id = $2 and disabled_reason is null
        ",
        project,
        id.0,
        reason.as_str(),
        now,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(done.rows_affected() == 1)
}

/// Removes an endpoint with what it has still to get, and returns whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn delete(scope: &ProjectScope, id: WebhookEndpointId) -> Result<bool, db::Error> {
    let mut transaction = scope.transaction().await?;
    let project = transaction.project_id().0;
    // In the order in which deliveries lock the rows.
    delivery::forget(&mut transaction, id).await?;
    let done = sqlx::query!("delete from webhook_endpoint where project_id = $1 and id = $2", project, id.0)
        .execute(transaction.executor())
        .await
        .map_err(db::Error::of_write)?;
    transaction.commit().await?;
    Ok(done.rows_affected() == 1)
}
