//! Stores how an attempt ended.

use chrono::{DateTime, Utc};

use super::lease::Lease;
use super::millis;
use super::shown::show;
use crate::auth::JobScope;
use crate::connectors::Fault;
use crate::db;
use crate::sync::write::machine::Next;

/// The end of an attempt.
#[derive(Debug)]
pub struct Ending<'a> {
    /// The lease that ends.
    pub lease: &'a Lease,
    /// Where the write is now.
    pub next: &'a Next,
    /// When the write was last sent before this attempt. It is stored again when this one has certainly sent nothing.
    pub sent_before: Option<DateTime<Utc>>,
    /// Whether this attempt has certainly sent nothing.
    pub sent_nothing: bool,
}

/// Stores it: the write, its attempt and its payment change at once. Returns whether the lease was still in force;
/// otherwise somebody else has taken the next step, and nothing changes.
///
/// # Errors
/// When the database fails.
pub async fn end(job: &JobScope, ending: &Ending<'_>) -> Result<bool, db::Error> {
    let Ending { lease, next, sent_before, sent_nothing } = ending;
    let errors = errors(&next.faults);
    let first = next.faults.first();
    let mut transaction = job.transaction().await?;
    let is_ours = sqlx::query_scalar!(
        r#"
        with ended as (
            update remote_write
            set state = $4, due_at = statement_timestamp() + $5::bigint * interval '1 millisecond',
                lease_id = null, lease_until = null, sent_at = case when $6 then $7 else sent_at end,
                errors = $8::text::json, modified_at = statement_timestamp()
            where connection_id = $1 and payment_id = $2 and lease_id = $3
            returning attempts
        ),
        attempt as (
            update remote_attempt set ended_at = statement_timestamp(), outcome = $4, code = $9, detail = $10
            where connection_id = $1 and payment_id = $2 and number = (select attempts from ended)
        )
        select exists (select from ended) as "is_ours!"
        "#,
        job.connection_id().0,
        lease.payment_id.0,
        lease.id,
        next.state.as_str(),
        next.due_after.map(millis),
        *sent_nothing,
        *sent_before,
        errors,
        first.map(|fault| fault.code.as_str()),
        first.map(|fault| fault.detail.as_str()),
    )
    .fetch_one(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    if is_ours {
        show(&mut transaction, lease.payment_id, next.state, next.payment.as_deref()).await?;
    }
    transaction.commit().await?;
    Ok(is_ours)
}

/// The column `errors`; null when there are none.
pub(super) fn errors(faults: &[Fault]) -> Option<String> {
    // Texts and nothing else, which always serialize.
    (!faults.is_empty()).then(|| serde_json::to_string(faults).unwrap_or_default())
}
