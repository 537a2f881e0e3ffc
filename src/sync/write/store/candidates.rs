//! The writes of a connection whose next step is due.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{millis, remote_ids, state};
use crate::auth::JobScope;
use crate::connectors::PreparedWrite;
use crate::db;
use crate::domain::{IdempotencyKey, PaymentId, WriteKey};
use crate::sync::write::comparison::Expected;
use crate::sync::write::machine::Write;

/// A write whose next step is due.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The payment.
    pub payment_id: PaymentId,
    /// Where it is.
    pub write: Write,
    /// When its last attempt to send began.
    pub sent_at: Option<DateTime<Utc>>,
    /// The key and the bytes under which it is written, once they are made.
    pub prepared: Option<(WriteKey, PreparedWrite)>,
    /// The key that the caller sent.
    pub idempotency_key: Option<IdempotencyKey>,
    /// Whether a person asked for it to be sent.
    pub is_retried: bool,
    /// Whether it is older than a write that is sent by itself.
    pub is_too_old: bool,
}

/// The writes whose next step is due, those that wait longest first, at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn candidates(job: &JobScope, max_age: Duration, limit: u16) -> Result<Vec<Candidate>, db::Error> {
    let statement = job.statement().await?;
    let rows = sqlx::query!(
        r#"
        select payment_id, state, attempts, sent_at, write_key, prepared, invoices, retried_at is not null as "is_retried!",
               greatest(created_at, retried_at) < clock_timestamp() - $2::bigint * interval '1 millisecond' as "is_too_old!",
               (select total_amount from payment where connection_id = $1 and id = payment_id) as amount,
               (select currency from payment where connection_id = $1 and id = payment_id) as currency,
               (select idempotency_key from payment where connection_id = $1 and id = payment_id) as idempotency_key
        from remote_write
        where connection_id = $1 and due_at <= clock_timestamp()
        order by due_at
        limit $3
        "#,
        job.connection_id().0,
        millis(max_age),
        i64::from(limit),
    )
    .fetch_all(statement)
    .await?;
    let candidates = rows.into_iter().map(|row| {
        let invoices = row.invoices.map(remote_ids).transpose()?;
        let prepared = row.write_key.zip(row.prepared).map(|(key, bytes)| {
            (WriteKey::of_stored(key), PreparedWrite { bytes, invoices: invoices.clone().unwrap_or_default() })
        });
        let expected = Expected {
            amount: row.amount.map(TryInto::try_into).transpose().map_err(db::corrupt_row)?,
            currency: row.currency.map(|code| code.parse()).transpose().map_err(db::corrupt_row)?,
            invoices,
        };
        Ok(Candidate {
            payment_id: PaymentId(row.payment_id),
            write: Write {
                state: state(&row.state)?,
                attempts: row.attempts.unsigned_abs(),
                was_sent: row.sent_at.is_some(),
                expected,
            },
            sent_at: row.sent_at,
            prepared,
            idempotency_key: row.idempotency_key.map(IdempotencyKey::of_stored),
            is_retried: row.is_retried,
            is_too_old: row.is_too_old,
        })
    });
    Ok(candidates.collect::<Result<_, sqlx::Error>>()?)
}
