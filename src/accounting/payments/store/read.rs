//! One payment is read.

use serde_json::value::RawValue;
use sqlx::types::Json;

use super::rows::PaymentRow;
use super::select::select_payments;
use crate::accounting::payments::payment::{IdempotencyClaim, Payment};
use crate::auth::Scope;
use crate::db;
use crate::domain::{PaymentId, Warning};

/// Reads the payment that has the claim's key; `None` when another request put it there.
///
/// # Errors
/// When the database fails.
pub async fn find_claimed(scope: &Scope, claim: &IdempotencyClaim) -> Result<Option<Payment>, db::Error> {
    let row = select_payments!(
        ["select *, true as matches, false as is_scan_end from payment
          where connection_id = $1 and idempotency_key = $2"] [] [] [],
        scope.connection_id().0,
        claim.key.as_str(),
    )
    .fetch_one(scope.statement().await?)
    .await?;
    let is_same = row.request_digest.as_deref() == Some(claim.digest.as_slice());
    let payment = row.into_payment(scope)?;
    Ok(is_same.then_some(payment))
}

/// Reads one payment of the connection.
///
/// # Errors
/// When the database fails.
pub async fn find(scope: &Scope, id: PaymentId) -> Result<Option<Payment>, db::Error> {
    let row = select_payments!(
        ["select *, true as matches, false as is_scan_end from payment where connection_id = $1 and id = $2"] [] [] [],
        scope.connection_id().0,
        id.0,
    )
    .fetch_optional(scope.statement().await?)
    .await?;
    Ok(row.map(|row| row.into_payment(scope)).transpose()?)
}
