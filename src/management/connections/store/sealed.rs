//! The sealed secrets of all connections.

use crate::auth::Operator;
use crate::db;
use crate::domain::ConnectionId;

/// Every sealed secret.
///
/// # Errors
/// When the database fails.
pub async fn sealed_secrets(operator: &Operator) -> Result<Vec<(ConnectionId, Vec<u8>)>, db::Error> {
    let statement = operator.statement().await?;
    let rows = sqlx::query!("select connection_id, sealed_secret from connection_software order by connection_id")
        .fetch_all(statement)
        .await?;
    Ok(rows.into_iter().map(|row| (ConnectionId(row.connection_id), row.sealed_secret)).collect())
}

/// The beginnings of all sealed secrets, which name their keys, and how many begin like this.
///
/// # Errors
/// When the database fails.
pub async fn sealing_heads(operator: &Operator) -> Result<Vec<(Vec<u8>, i64)>, db::Error> {
    let statement = operator.statement().await?;
    let rows = sqlx::query!(
        r#"
        select substring(sealed_secret for 5) as "head!", count(*) as "connections!"
        from connection_software group by 1 order by 1
        "#
    )
    .fetch_all(statement)
    .await?;
    Ok(rows.into_iter().map(|row| (row.head, row.connections)).collect())
}

/// Replaces a sealed secret, unless it is another one by now.
///
/// # Errors
/// When the database fails.
pub async fn replace_secret(
    operator: &Operator,
    connection: ConnectionId,
    before: &[u8],
    after: &[u8],
) -> Result<(), db::Error> {
    let statement = operator.statement().await?;
    sqlx::query!(
        "update connection_software set sealed_secret = $3 where connection_id = $1 and sealed_secret = $2",
        connection.0,
        before,
        after,
    )
    .execute(statement)
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}
