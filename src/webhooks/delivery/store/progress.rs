//! How far an endpoint is in the feed of its project.

use chrono::{DateTime, Utc};

use crate::auth::ProjectTransaction;
use crate::db;
use crate::domain::WebhookEndpointId;

/// Begins the deliveries of an endpoint that is new, or active again, at the end of the feed.
///
/// # Errors
/// When the database fails.
pub async fn begin(
    transaction: &mut ProjectTransaction,
    endpoint: WebhookEndpointId,
    now: DateTime<Utc>,
) -> Result<(), db::Error> {
    sqlx::query!(
        "
        insert into webhook_delivery (project_id, endpoint_id, position, begins_at, failures)
        select $1, $2, coalesce(max(last_position), 0), $3, 0 from event_feed where project_id = $1
        on conflict (project_id, endpoint_id) do update
        set position = excluded.position, begins_at = excluded.begins_at, failures = 0, failing_since = null,
            due_at = null, lease_id = null, lease_until = null
        ",
        transaction.project_id().0,
        endpoint.0,
        now,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// Ends the deliveries of an endpoint that is deleted. What was tried is kept as long as for others.
///
/// # Errors
/// When the database fails.
pub async fn forget(transaction: &mut ProjectTransaction, endpoint: WebhookEndpointId) -> Result<(), db::Error> {
    let project = transaction.project_id().0;
    sqlx::query!("delete from webhook_retry where project_id = $1 and endpoint_id = $2", project, endpoint.0)
        .execute(transaction.executor())
        .await
        .map_err(db::Error::of_write)?;
    sqlx::query!("delete from webhook_replay where project_id = $1 and endpoint_id = $2", project, endpoint.0)
        .execute(transaction.executor())
        .await
        .map_err(db::Error::of_write)?;
    sqlx::query!("delete from webhook_delivery where project_id = $1 and endpoint_id = $2", project, endpoint.0)
        .execute(transaction.executor())
        .await
        .map_err(db::Error::of_write)?;
    Ok(())
}
