//! Why the accounting software refused a payment.

use sqlx::types::Json;

use crate::auth::Scope;
use crate::connectors::Fault;
use crate::db;
use crate::domain::PaymentId;

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
