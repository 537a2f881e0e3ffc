//! What a person changes at the software behind a connection.

use chrono::{DateTime, Utc};

use crate::auth::{Operator, OperatorTransaction};
use crate::connectors::{SoftwareInfo, Target};
use crate::db;
use crate::domain::ConnectionId;

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
    sqlx::query!(
        "
        update connection_software
        set version = $2, company = $3, company_name = $4, base_currency = $5, checked_at = $6, modified_at = $6,
            failures = 0, retry_at = null,
            status = case status when 'needs_reauth' then 'valid' else status end,
            status_reason = case status when 'needs_reauth' then null else status_reason end,
            status_detail = case status when 'needs_reauth' then null else status_detail end,
            status_since = case status when 'needs_reauth' then $6 else status_since end
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
    let statement = operator.statement().await?;
    sqlx::query!(
        "
        update connection_software
        set status = 'paused', status_reason = 'paused_by_operator', status_detail = null, status_since = $2,
            modified_at = $2
        where connection_id = $1 and status <> 'paused'
        ",
        connection.0,
        now,
    )
    .execute(statement)
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// Allows calls to the software again, after [`pause`].
///
/// # Errors
/// When the database fails.
pub async fn resume(operator: &Operator, connection: ConnectionId, now: DateTime<Utc>) -> Result<(), db::Error> {
    let statement = operator.statement().await?;
    sqlx::query!(
        "
        update connection_software
        set status = 'valid', status_reason = null, status_detail = null, status_since = $2, failures = 0,
            retry_at = null, modified_at = $2
        where connection_id = $1 and status = 'paused'
        ",
        connection.0,
        now,
    )
    .execute(statement)
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}
