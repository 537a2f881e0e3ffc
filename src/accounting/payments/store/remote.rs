//! What became of a payment in the accounting software.

use sqlx::types::Json;

use crate::auth::Scope;
use crate::connectors::Fault;
use crate::db;
use crate::domain::{PaymentId, RemoteStatus};

/// Reads the state of a payment there; `None` when the connection has no such payment.
///
/// # Errors
/// When the database fails.
pub async fn remote_status(scope: &Scope, id: PaymentId) -> Result<Option<RemoteStatus>, db::Error> {
    let row = sqlx::query!(
        r#"select remote_status from payment where connection_id = $1 and id = $2"#,
        scope.connection_id().0,
        id.0,
    )
    .fetch_optional(scope.statement().await?)
    .await?;
    let status = row.map(|row| row.remote_status.as_deref().unwrap_or("none").parse()).transpose();
    Ok(status.map_err(db::corrupt_row)?)
}

/// Reads why the software refused a payment.
///
/// # Errors
/// When the database fails.
pub async fn rejection(scope: &Scope, id: PaymentId) -> Result<Vec<Fault>, db::Error> {
    let row = sqlx::query!(
        r#"
        select errors as "errors: Json<Vec<Fault>>"
        from remote_write
        where connection_id = $1 and payment_id = $2
        "#,
        scope.connection_id().0,
        id.0,
    )
    .fetch_optional(scope.statement().await?)
    .await?;
    Ok(row.and_then(|row| row.errors).map(|Json(faults)| faults).unwrap_or_default())
}
