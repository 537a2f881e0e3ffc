//! Takes a write for one attempt, so that nobody else takes its next step meanwhile.
//!
//! The leases of one connection are made one after the other: each locks the connection's row of `connection_software`.
//! So the limits that concern several writes are checked without a race, over all servers.

use std::time::Duration;

use uuid::Uuid;

use super::candidates::Candidate;
use super::millis;
use super::shown::show;
use crate::auth::{JobScope, JobTransaction};
use crate::connectors::PreparedWrite;
use crate::db;
use crate::domain::{PaymentId, RemoteId, WriteKey};
use crate::management::connections::SoftwareStatus;
use crate::sync::write::state::State;

/// A lease that is asked for.
#[derive(Debug)]
pub struct NewLease<'a> {
    /// Whose, as it was read. It may have changed since.
    pub candidate: &'a Candidate,
    /// The state during the attempt.
    pub state: State,
    /// The bytes to send. Stored with the first lease, and the same in every later one.
    pub prepared: (&'a WriteKey, &'a PreparedWrite),
    /// A new id.
    pub lease_id: Uuid,
    /// How long it lasts, unless it is renewed.
    pub duration: Duration,
    /// The most attempts of the connection at a time.
    pub max_in_flight: u16,
}

/// A write that nobody else works on.
#[derive(Debug, Clone, Copy)]
pub struct Lease {
    /// The payment.
    pub payment_id: PaymentId,
    /// Which lease of it.
    pub id: Uuid,
    /// The number of the attempt, from 1.
    pub attempt: u32,
}

/// What became of asking.
#[derive(Debug, Clone, Copy)]
pub enum LeaseOutcome {
    /// It was given and stored.
    Taken(Lease),
    /// As many attempts of the connection are under way as may be, or its software may not be called.
    Busy,
    /// Another write is under way for one of its invoices.
    InvoiceBusy,
    /// Its next step was taken by somebody else.
    Gone,
}

/// Asks for a lease. Committed, it is in force before anything is sent.
///
/// # Errors
/// When the database fails.
pub async fn lease(transaction: &mut JobTransaction, new: &NewLease<'_>) -> Result<LeaseOutcome, db::Error> {
    let connection = transaction.connection_id().0;
    let software = sqlx::query!(
        r#"
        select status, failures, coalesce(retry_at > clock_timestamp(), false) as "is_paused!"
        from connection_software where connection_id = $1 for update
        "#,
        connection,
    )
    .fetch_optional(transaction.executor())
    .await?;
    let Some(software) = software else { return Ok(LeaseOutcome::Busy) };
    let status: SoftwareStatus = software.status.parse().map_err(db::corrupt_row)?;
    if status != SoftwareStatus::Valid || software.is_paused {
        return Ok(LeaseOutcome::Busy);
    }
    let invoices: Vec<_> = new.prepared.1.invoices.iter().map(|id| RemoteId::as_str(id).to_owned()).collect();
    let others = sqlx::query!(
        r#"
        select count(*) filter (where lease_until > clock_timestamp()) as "in_flight!",
               coalesce(bool_or(payment_id <> $2 and invoices && $3), false) as "is_invoice_busy!"
        from remote_write
        where connection_id = $1 and state in ('sending', 'unknown')
        "#,
        connection,
        new.candidate.payment_id.0,
        &invoices,
    )
    .fetch_one(transaction.executor())
    .await?;
    // After a failure, one attempt at a time finds out whether the software is back.
    let most = if software.failures > 0 { 1 } else { i64::from(new.max_in_flight) };
    if others.in_flight >= most {
        return Ok(LeaseOutcome::Busy);
    }
    if new.state == State::Sending && others.is_invoice_busy {
        return Ok(LeaseOutcome::InvoiceBusy);
    }
    take(transaction, new, &invoices).await
}

async fn take(
    transaction: &mut JobTransaction,
    new: &NewLease<'_>,
    invoices: &[String],
) -> Result<LeaseOutcome, db::Error> {
    let NewLease { candidate, state, prepared: (key, prepared), lease_id, duration, max_in_flight: _ } = new;
    let is_sending = *state == State::Sending;
    let attempt = sqlx::query_scalar!(
        r#"
        with leased as (
            update remote_write
            set state = $5, attempts = attempts + 1, lease_id = $6,
                lease_until = now + $7::bigint * interval '1 millisecond',
                due_at = now + $7::bigint * interval '1 millisecond',
                write_key = coalesce(write_key, $8), prepared = coalesce(prepared, $9),
                invoices = coalesce(invoices, $10),
                sent_at = case when $11 then now else sent_at end, modified_at = now
            from (select statement_timestamp() as now) time
            where connection_id = $1 and payment_id = $2 and state = $3 and attempts = $4 and due_at <= now
            returning connection_id, payment_id, attempts
        ),
        attempt as (
            insert into remote_attempt (connection_id, payment_id, number, action, started_at)
            select connection_id, payment_id, attempts, case when $11 then 'send' else 'look_up' end,
                   statement_timestamp()
            from leased
        )
        select attempts from leased
        "#,
        transaction.connection_id().0,
        candidate.payment_id.0,
        candidate.write.state.as_str(),
        i32::try_from(candidate.write.attempts).unwrap_or(i32::MAX),
        state.as_str(),
        lease_id,
        millis(*duration),
        key.as_str(),
        prepared.bytes,
        invoices,
        is_sending,
    )
    .fetch_optional(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    let Some(attempt) = attempt else { return Ok(LeaseOutcome::Gone) };
    if candidate.write.state.seen_by_clients() != state.seen_by_clients() {
        show(transaction, candidate.payment_id, *state, None).await?;
    }
    Ok(LeaseOutcome::Taken(Lease { payment_id: candidate.payment_id, id: *lease_id, attempt: attempt.unsigned_abs() }))
}

/// Puts a write off that cannot be sent now, unless its next step was taken meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn postpone(
    transaction: &mut JobTransaction,
    candidate: &Candidate,
    wait: Duration,
) -> Result<(), db::Error> {
    sqlx::query!(
        "
        update remote_write set due_at = statement_timestamp() + $5::bigint * interval '1 millisecond'
        where connection_id = $1 and payment_id = $2 and state = $3 and attempts = $4
        ",
        transaction.connection_id().0,
        candidate.payment_id.0,
        candidate.write.state.as_str(),
        i32::try_from(candidate.write.attempts).unwrap_or(i32::MAX),
        millis(wait),
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// Extends a lease that is still in force: its attempt goes on.
///
/// # Errors
/// When the database fails.
pub async fn renew(job: &JobScope, lease: &Lease, duration: Duration) -> Result<(), db::Error> {
    let statement = job.statement().await?;
    sqlx::query!(
        "
        update remote_write
        set lease_until = statement_timestamp() + $4::bigint * interval '1 millisecond',
            due_at = statement_timestamp() + $4::bigint * interval '1 millisecond'
        where connection_id = $1 and payment_id = $2 and lease_id = $3
        ",
        job.connection_id().0,
        lease.payment_id.0,
        lease.id,
        millis(duration),
    )
    .execute(statement)
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}
