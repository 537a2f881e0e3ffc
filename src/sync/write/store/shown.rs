//! What clients see of a payment: it follows its write, and each change is announced.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::auth::JobTransaction;
use crate::connectors::RemotePayment;
use crate::db;
use crate::domain::{EventType, PaymentId, RemoteStatus, rfc3339};
use crate::events;
use crate::sync::write::state::State;

/// The members of a payment that change, as an event keeps them.
#[derive(Serialize)]
struct Shown {
    #[serde(serialize_with = "rfc3339::instant")]
    modified_at: DateTime<Utc>,
    remote_id: Option<String>,
    remote_status: RemoteStatus,
    #[serde(serialize_with = "rfc3339::optional")]
    remote_updated_at: Option<DateTime<Utc>>,
}

/// Shows the state of a write, and the payment of the software where there is one, in the transaction that changes the
/// write. When clients see no difference, nothing is changed or announced.
///
/// # Errors
/// When the database fails.
pub(super) async fn show(
    transaction: &mut JobTransaction,
    payment_id: PaymentId,
    state: State,
    payment: Option<&RemotePayment>,
) -> Result<(), db::Error> {
    let remote_status = state.seen_by_clients();
    // The time is read under the lock: of two changes, the later one has the later time.
    let before = sqlx::query!(
        r#"
        with locked as materialized (
            select remote_status from payment where connection_id = $1 and id = $2 for update
        )
        select remote_status, clock_timestamp() as "now!" from locked
        "#,
        transaction.connection_id().0,
        payment_id.0,
    )
    .fetch_optional(transaction.executor())
    .await?;
    let Some(before) = before else { return Ok(()) };
    let is_new_status = before.remote_status.as_deref() != Some(remote_status.as_str());
    if !is_new_status && payment.is_none() {
        return Ok(());
    }
    let changed = sqlx::query!(
        "
        update payment
        set remote_status = $3, remote_id = coalesce($4, remote_id),
            remote_data = coalesce($5::text::json, remote_data), remote_updated_at = coalesce($6, remote_updated_at),
            modified_at = $7
        where connection_id = $1 and id = $2
        returning remote_id, remote_updated_at
        ",
        transaction.connection_id().0,
        payment_id.0,
        remote_status.as_str(),
        payment.map(|payment| payment.remote_id.as_str()),
        payment.map(|payment| payment.data.get()),
        payment.and_then(|payment| payment.remote_updated_at),
        before.now,
    )
    .fetch_one(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    let kind = match remote_status {
        _ if !is_new_status => EventType::PaymentUpdated,
        RemoteStatus::Applied => EventType::PaymentApplied,
        RemoteStatus::Rejected => EventType::PaymentRejected,
        RemoteStatus::NeedsAttention => EventType::PaymentNeedsAttention,
        RemoteStatus::None | RemoteStatus::Pending | RemoteStatus::Unknown | RemoteStatus::Voided => {
            EventType::PaymentUpdated
        }
    };
    let shown = Shown {
        modified_at: before.now,
        remote_id: changed.remote_id,
        remote_status,
        remote_updated_at: changed.remote_updated_at,
    };
    let shown = serde_json::to_string(&shown).map_err(|error| sqlx::Error::Encode(error.into()))?;
    events::announce(transaction, kind, &[payment_id.0], Some(&shown)).await
}
