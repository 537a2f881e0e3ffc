//! How many writes are open.

use crate::auth::{Scope, Worker};
use crate::db;
use crate::domain::PaymentId;

/// How many writes there are that are not at their end, and how long the oldest has waited.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenWrites {
    /// To be sent, or being sent.
    pub pending: u32,
    /// With an unknown outcome.
    pub unknown: u32,
    /// That wait for a person.
    pub needs_attention: u32,
    /// The age of the oldest that is pending or unknown, in seconds.
    pub oldest_seconds: u32,
}

/// Counts them over all projects, for the metrics. It reads the partial indexes of open writes and no row that has ended.
///
/// # Errors
/// When the database fails.
pub async fn open_writes(worker: &Worker) -> Result<OpenWrites, db::Error> {
    let statement = worker.statement().await?;
    let row = sqlx::query!(
        r#"
        with counts_of_open_writes as (
            select state, count(*) as count, min(created_at) as oldest from remote_write
            where due_at is not null group by state
        )
        select coalesce(sum(count) filter (where state <> 'unknown'), 0)::bigint as "pending!",
               coalesce(sum(count) filter (where state = 'unknown'), 0)::bigint as "unknown!",
               (select count(*) from remote_write where state = 'needs_attention') as "needs_attention!",
               coalesce(extract(epoch from clock_timestamp() - min(oldest))::bigint, 0) as "oldest_seconds!"
        from counts_of_open_writes
        "#,
    )
    .fetch_one(statement)
    .await?;
    let number = |count: i64| u32::try_from(count.max(0)).unwrap_or(u32::MAX);
    Ok(OpenWrites {
        pending: number(row.pending),
        unknown: number(row.unknown),
        needs_attention: number(row.needs_attention),
        oldest_seconds: number(row.oldest_seconds),
    })
}

/// Whether a payment is still to be written, or its outcome is not known.
///
/// # Errors
/// When the database fails.
pub async fn is_open(scope: &Scope, payment_id: PaymentId) -> Result<bool, db::Error> {
    let statement = scope.statement().await?;
    let is_open = sqlx::query_scalar!(
        r#"
        select due_at is not null as "is_open!" from remote_write where connection_id = $1 and payment_id = $2
        "#,
        scope.connection_id().0,
        payment_id.0,
    )
    .fetch_optional(statement)
    .await?;
    Ok(is_open.unwrap_or(false))
}
