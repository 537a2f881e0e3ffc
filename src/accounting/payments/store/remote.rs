//! What became of a payment in the accounting software.
//!
//! Second line of defence: a row of another connection is refused here, even if a query forgot its tenant condition.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use crate::auth::Scope;
use crate::connectors::Fault;
use crate::db;
use crate::domain::{PaymentId, RemoteStatus};

/// The write of a payment into the software, so far.
#[derive(Debug)]
pub struct RemoteWrite {
    /// Our name of the payment in the software; `None` until it is prepared.
    pub key: Option<String>,
    /// When the next step may be taken; `None` when there is none.
    pub due_at: Option<DateTime<Utc>>,
    /// Why it was rejected or needs attention, or why the last attempt failed.
    pub errors: Vec<Fault>,
}

/// Something that was tried for a write.
#[derive(Debug)]
pub struct RemoteAttempt {
    /// From 1.
    pub number: i32,
    /// `send` or `look_up`, or what a person did.
    pub action: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended; `None` while it is under way, and when it was cut off.
    pub ended_at: Option<DateTime<Utc>>,
    /// The state after it.
    pub outcome: Option<String>,
    /// The software's own code.
    pub code: Option<String>,
    /// The software's own text.
    pub detail: Option<String>,
}

/// The most attempts that are read: the last ones.
const MAX_ATTEMPTS: i64 = 100;

/// Reads the state of a payment there; `None` when the connection has no such payment.
///
/// # Errors
/// When the database fails.
pub async fn remote_status(scope: &Scope, id: PaymentId) -> Result<Option<RemoteStatus>, db::Error> {
    let row = sqlx::query!(
        r#"select connection_id, remote_status from payment where connection_id = $1 and id = $2"#,
        scope.connection_id().0,
        id.0,
    )
    .fetch_optional(scope.statement().await?)
    .await?;
    let Some(row) = row else { return Ok(None) };
    scope.require_own(row.connection_id)?;
    let status = row.remote_status.as_deref().unwrap_or(RemoteStatus::None.as_str());
    Ok(Some(status.parse().map_err(db::corrupt_row)?))
}

/// Reads the write of a payment; `None` without software.
///
/// # Errors
/// When the database fails.
pub async fn remote_write(scope: &Scope, id: PaymentId) -> Result<Option<RemoteWrite>, db::Error> {
    let row = sqlx::query!(
        r#"
        select connection_id, write_key, due_at, errors as "errors: Json<Vec<Fault>>"
        from remote_write
        where connection_id = $1 and payment_id = $2
        "#,
        scope.connection_id().0,
        id.0,
    )
    .fetch_optional(scope.statement().await?)
    .await?;
    let Some(row) = row else { return Ok(None) };
    scope.require_own(row.connection_id)?;
    let errors = row.errors.map(|Json(faults)| faults).unwrap_or_default();
    Ok(Some(RemoteWrite { key: row.write_key, due_at: row.due_at, errors }))
}

/// Reads the last attempts for a write, in their order.
///
/// # Errors
/// When the database fails.
pub async fn remote_attempts(scope: &Scope, id: PaymentId) -> Result<Vec<RemoteAttempt>, db::Error> {
    let mut rows = sqlx::query!(
        r#"
        select connection_id, number, action, started_at, ended_at, outcome, code, detail
        from remote_attempt
        where connection_id = $1 and payment_id = $2
        order by number desc
        limit $3
        "#,
        scope.connection_id().0,
        id.0,
        MAX_ATTEMPTS,
    )
    .fetch_all(scope.statement().await?)
    .await?;
    rows.reverse();
    let attempts = rows.into_iter().map(|row| {
        scope.require_own(row.connection_id)?;
        Ok(RemoteAttempt {
            number: row.number,
            action: row.action,
            started_at: row.started_at,
            ended_at: row.ended_at,
            outcome: row.outcome,
            code: row.code,
            detail: row.detail,
        })
    });
    Ok(attempts.collect::<Result<_, sqlx::Error>>()?)
}
