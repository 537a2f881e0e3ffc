//! What a person changes at the software behind a connection.

use chrono::{DateTime, Utc};

use crate::auth::{Operator, OperatorTransaction};
use crate::connectors::{SoftwareInfo, Target};
use crate::db;
use crate::domain::{ConnectionId, EventType};
use crate::events;

/// Stores another way to the same books.
///
/// # Errors
/// When the database fails.
pub async fn change_sign_in(
    transaction: &mut OperatorTransaction,
    target: &Target,
    sealed_secret: &[u8],
    now: DateTime<Utc>,
) -> Result<(), db::Error> {
    sqlx::query!(
        "
        update connection_software set url = $2, login = $3, sealed_secret = $4, modified_at = $5
        where connection_id = $1
        ",
        target.connection_id.0,
        target.url,
        target.login,
        sealed_secret,
        now,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// Stores what a check has found, which ends `needs_reauth` and closes the circuit.
///
/// # Errors
/// When the database fails.
pub async fn record_check(
    transaction: &mut OperatorTransaction,
    connection: ConnectionId,
    found: &SoftwareInfo,
    now: DateTime<Utc>,
) -> Result<(), db::Error> {
    let accepted = sqlx::query!(
        "
        update connection_software
        set status = 'valid', status_reason = null, status_detail = null, status_since = $2
        where connection_id = $1 and status = 'needs_reauth'
        ",
        connection.0,
        now,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    if accepted.rows_affected() > 0 {
        events::announce_connection(transaction, connection, EventType::ConnectionReconnected).await?;
    }
    sqlx::query!(
        "
        update connection_software
        set version = $2, company = $3, company_name = $4, base_currency = $5, checked_at = $6, modified_at = $6,
            failures = 0, retry_at = null
        where connection_id = $1
        ",
        connection.0,
        found.version,
        found.company.remote_id.as_str(),
        found.company.name,
        found.company.currency.code(),
        now,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// Stops all calls to the software, until [`resume`]. Its payments wait.
///
/// # Errors
/// When the database fails.
pub async fn pause(operator: &Operator, connection: ConnectionId, now: DateTime<Utc>) -> Result<(), db::Error> {
    let mut transaction = operator.transaction().await?;
    let changed = sqlx::query!(
        "
        update connection_software
        set status = 'paused', status_reason = 'paused_by_operator', status_detail = null, status_since = $2,
            modified_at = $2
        where connection_id = $1 and status <> 'paused'
        ",
        connection.0,
        now,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    if changed.rows_affected() > 0 {
        events::announce_connection(&mut transaction, connection, EventType::ConnectionDisconnected).await?;
    }
    transaction.commit().await
}

/// Allows calls to the software again, after [`pause`].
///
/// # Errors
/// When the database fails.
pub async fn resume(operator: &Operator, connection: ConnectionId, now: DateTime<Utc>) -> Result<(), db::Error> {
    let mut transaction = operator.transaction().await?;
    let changed = sqlx::query!(
        "
        update connection_software
        set status = 'valid', status_reason = null, status_detail = null, status_since = $2, failures = 0,
            retry_at = null, modified_at = $2
        where connection_id = $1 and status = 'paused'
        ",
        connection.0,
        now,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    if changed.rows_affected() > 0 {
        events::announce_connection(&mut transaction, connection, EventType::ConnectionReconnected).await?;
    }
    transaction.commit().await
}
