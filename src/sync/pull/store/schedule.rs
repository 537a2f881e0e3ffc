//! When the objects of a connection are read next, and who reads them: one at a time over all servers.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::millis;
use crate::auth::{JobScope, JobTransaction, Scope, Worker};
use crate::db;
use crate::domain::{ConnectionId, ProjectId};

/// Makes the rows of connections that have software and none yet: their first pull is due at once.
///
/// # Errors
/// When the database fails.
pub async fn enroll(worker: &Worker) -> Result<(), db::Error> {
    let statement = worker.statement().await?;
    sqlx::query!(
        "
        insert into pull (connection_id, due_at, created_at)
        select connection_id, clock_timestamp(), clock_timestamp()
        from connection_software software
        where not exists (select from pull where pull.connection_id = software.connection_id)
        on conflict do nothing
        "
    )
    .execute(statement)
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// The connections whose pull is due and whose software may be asked: those that wait longest, at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn due(worker: &Worker, limit: u16) -> Result<Vec<(ConnectionId, ProjectId)>, db::Error> {
    let statement = worker.statement().await?;
    let rows = sqlx::query!(
        "
        select pull.connection_id, connection.project_id
        from pull
        join connection on connection.id = pull.connection_id
        join connection_software software on software.connection_id = pull.connection_id
        where pull.due_at <= clock_timestamp() and (pull.lease_until is null or pull.lease_until <= clock_timestamp())
              and software.status = 'valid' and connection.revoked_at is null
              and (software.retry_at is null or software.retry_at <= clock_timestamp())
        order by pull.due_at
        limit $1
        ",
        i64::from(limit),
    )
    .fetch_all(statement)
    .await?;
    Ok(rows.into_iter().map(|row| (ConnectionId(row.connection_id), ProjectId(row.project_id))).collect())
}

/// The right to read the objects of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Lease {
    id: Uuid,
    /// When it was taken, by the database's clock.
    taken_at: DateTime<Utc>,
}

/// Takes the lease when a pull is due and nobody else has it.
///
/// # Errors
/// When the database fails.
pub async fn lease(job: &JobScope, id: Uuid, duration: Duration) -> Result<Option<Lease>, db::Error> {
    let statement = job.statement().await?;
    let until = sqlx::query_scalar!(
        r#"
        update pull
        set lease_id = $2, lease_until = statement_timestamp() + $3::bigint * interval '1 millisecond'
        where connection_id = $1 and due_at <= statement_timestamp()
              and (lease_until is null or lease_until <= statement_timestamp())
        returning lease_until as "until!"
        "#,
        job.connection_id().0,
        id,
        millis(duration),
    )
    .fetch_optional(statement)
    .await
    .map_err(db::Error::of_write)?;
    Ok(until.map(|until| Lease { id, taken_at: until - duration }))
}

/// Extends the lease for the transaction of a page, and returns the time of the page; `None` when somebody else has the
/// lease. The row stays locked until the commit, so the pages of a connection are committed in the order of their times.
///
/// # Errors
/// When the database fails.
pub async fn keep(
    transaction: &mut JobTransaction,
    lease: &Lease,
    duration: Duration,
) -> Result<Option<DateTime<Utc>>, db::Error> {
    let Some(now) = wait_for_page(transaction).await? else { return Ok(None) };
    let kept = sqlx::query!(
        "update pull set lease_until = $3 where connection_id = $1 and lease_id = $2",
        transaction.connection_id().0,
        lease.id,
        now + duration,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok((kept.rows_affected() > 0).then_some(now))
}

/// Waits for the page of a pull that is being stored, and lets no other begin before the commit. Returns the time then;
/// `None` when the connection was never pulled.
///
/// # Errors
/// When the database fails.
pub async fn wait_for_page(transaction: &mut JobTransaction) -> Result<Option<DateTime<Utc>>, db::Error> {
    let now = sqlx::query_scalar!(
        r#"
        with locked as materialized (select from pull where connection_id = $1 for update)
        select clock_timestamp() as "now!" from locked
        "#,
        transaction.connection_id().0,
    )
    .fetch_optional(transaction.executor())
    .await?;
    Ok(now)
}

/// Gives the lease back. The next pull is due after `wait`, or at once when somebody asked for one in the meantime.
///
/// # Errors
/// When the database fails. Then the lease lapses by itself.
pub async fn release(job: &JobScope, lease: &Lease, wait: Duration) -> Result<(), db::Error> {
    let statement = job.statement().await?;
    sqlx::query!(
        "
        update pull
        set lease_id = null, lease_until = null,
            due_at = case when requested_at >= $3 then pull.due_at else after.due_at end
        from (select statement_timestamp() + $4::bigint * interval '1 millisecond' as due_at) after
        where connection_id = $1 and lease_id = $2
        ",
        job.connection_id().0,
        lease.id,
        lease.taken_at,
        millis(wait),
    )
    .execute(statement)
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// When the next pull is due; `None` before the first.
///
/// # Errors
/// When the database fails.
pub async fn next_pull(scope: &Scope) -> Result<Option<DateTime<Utc>>, db::Error> {
    let statement = scope.statement().await?;
    let due_at = sqlx::query_scalar!("select due_at from pull where connection_id = $1", scope.connection_id().0)
        .fetch_optional(statement)
        .await?;
    Ok(due_at)
}
