//! The software behind connections.

use crate::auth::{JobScope, OperatorTransaction};
use crate::db;
use crate::domain::{ConnectionId, Currency, RemoteId};
use crate::management::connections::{Software, SoftwareDetails};

/// Stores the software of a new connection.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    transaction: &mut OperatorTransaction,
    connection: ConnectionId,
    software: &SoftwareDetails,
    sealed_secret: &[u8],
) -> Result<(), db::Error> {
    sqlx::query!(
        "
        insert into connection_software (
            connection_id, url, database, company, login, sealed_secret, version, company_name, base_currency,
            checked_at, status, status_since, created_at, modified_at
        ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $12)
        ",
        connection.0,
        software.url,
        software.database,
        software.company.as_ref().map(RemoteId::as_str),
        software.login,
        sealed_secret,
        software.version,
        software.company_name,
        software.base_currency.map(Currency::code),
        software.checked_at,
        software.status.as_str(),
        software.status_since,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// Reads the software behind a connection; `None` where there is none.
///
/// # Errors
/// When the database fails.
pub async fn software(job: &JobScope) -> Result<Option<Software>, db::Error> {
    let statement = job.statement().await?;
    let row = sqlx::query!(
        r#"
        select connection.provider, software.url, software.database, software.company, software.login,
               software.sealed_secret, software.status, software.failures,
               connection.revoked_at is not null as "is_revoked!"
        from connection_software software
        join connection on connection.id = software.connection_id
        where software.connection_id = $1
        "#,
        job.connection_id().0,
    )
    .fetch_optional(statement)
    .await?;
    let software = row.map(|row| {
        Ok::<_, sqlx::Error>(Software {
            provider: row.provider,
            url: row.url,
            database: row.database,
            company: row.company.map(|id| id.parse()).transpose().map_err(db::corrupt_row)?,
            login: row.login,
            sealed_secret: row.sealed_secret,
            status: row.status.parse().map_err(db::corrupt_row)?,
            failures: row.failures.unsigned_abs(),
            is_revoked: row.is_revoked,
        })
    });
    Ok(software.transpose()?)
}
