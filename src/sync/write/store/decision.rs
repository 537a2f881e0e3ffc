//! What a person decides about a write, and what is shown for it.

use super::end::errors;
use super::shown::show;
use super::{millis, remote_ids, state};
use crate::auth::{JobScope, JobTransaction};
use crate::connectors::PreparedWrite;
use crate::db;
use crate::domain::{PaymentId, WriteKey};
use crate::sync::write::comparison::Expected;
use crate::sync::write::machine::{Next, Write};

/// A write as it is when a person decides.
#[derive(Debug, Clone)]
pub struct WriteRow {
    /// Where it is.
    pub write: Write,
    /// Whether an attempt is under way.
    pub is_leased: bool,
    /// The key and the bytes under which it is written, once they are made.
    pub prepared: Option<(WriteKey, PreparedWrite)>,
}

/// Reads a write; `None` when there is none.
///
/// # Errors
/// When the database fails.
pub async fn read(job: &JobScope, payment_id: PaymentId) -> Result<Option<WriteRow>, db::Error> {
    let statement = job.statement().await?;
    let row = sqlx::query!(
        r#"
        select state, attempts, sent_at is not null as "was_sent!", write_key, prepared, invoices,
               coalesce(lease_until > clock_timestamp(), false) as "is_leased!",
               (select total_amount from payment where connection_id = $1 and id = $2) as amount,
               (select currency from payment where connection_id = $1 and id = $2) as currency
        from remote_write
        where connection_id = $1 and payment_id = $2
        "#,
        job.connection_id().0,
        payment_id.0,
    )
    .fetch_optional(statement)
    .await?;
    let row = row.map(|row| {
        let invoices = row.invoices.map(remote_ids).transpose()?;
        let prepared = row.write_key.zip(row.prepared).map(|(key, bytes)| {
            (WriteKey::of_stored(key), PreparedWrite { bytes, invoices: invoices.clone().unwrap_or_default() })
        });
        let expected = Expected {
            amount: row.amount.map(TryInto::try_into).transpose().map_err(db::corrupt_row)?,
            currency: row.currency.map(|code| code.parse()).transpose().map_err(db::corrupt_row)?,
            invoices,
        };
        let write = Write {
            state: state(&row.state)?,
            attempts: row.attempts.unsigned_abs(),
            was_sent: row.was_sent,
            expected,
        };
        Ok::<_, sqlx::Error>(WriteRow { write, is_leased: row.is_leased, prepared })
    });
    Ok(row.transpose()?)
}

/// A decision to be stored.
#[derive(Debug)]
pub struct Decision<'a> {
    /// The payment.
    pub payment_id: PaymentId,
    /// The write as it was when the decision was made.
    pub write: &'a Write,
    /// `retry`, `settle`, `cancel`, or `end` for what the server itself decides without an attempt.
    pub action: &'a str,
    /// Who decides and why, when it is a person.
    pub by: Option<(&'a str, &'a str)>,
    /// Where the write is now.
    pub next: &'a Next,
}

/// Stores it, unless the write has changed since it was read. Returns whether it is stored.
///
/// # Errors
/// When the database fails.
pub async fn decide(transaction: &mut JobTransaction, decision: &Decision<'_>) -> Result<bool, db::Error> {
    let Decision { payment_id, write, action, by, next } = decision;
    let first = next.faults.first();
    let is_stored = sqlx::query_scalar!(
        r#"
        with decided as (
            update remote_write
            set state = $5, due_at = now + $6::bigint * interval '1 millisecond', attempts = attempts + 1,
                lease_id = null, lease_until = null, errors = $7::text::json, modified_at = now,
                retried_at = case when $8 = 'retry' then now else retried_at end
            from (select statement_timestamp() as now) time
            where connection_id = $1 and payment_id = $2 and state = $3 and attempts = $4
                  and (lease_until is null or lease_until <= now)
            returning connection_id, payment_id, attempts
        ),
        attempt as (
            insert into remote_attempt (
                connection_id, payment_id, number, action, actor, reason, started_at, ended_at, outcome, code, detail
            )
            select connection_id, payment_id, attempts, $8, $9, $10, statement_timestamp(), statement_timestamp(),
                   $5, $11, $12
            from decided
        )
        select exists (select from decided) as "is_stored!"
        "#,
        transaction.connection_id().0,
        payment_id.0,
        write.state.as_str(),
        i32::try_from(write.attempts).unwrap_or(i32::MAX),
        next.state.as_str(),
        next.due_after.map(millis),
        errors(&next.faults),
        *action,
        by.map(|(actor, _)| actor),
        by.map(|(_, reason)| reason),
        first.map(|fault| fault.code.as_str()),
        first.map(|fault| fault.detail.as_str()),
    )
    .fetch_one(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    if is_stored {
        show(transaction, *payment_id, next.state, next.payment.as_deref()).await?;
    }
    Ok(is_stored)
}
