//! The keys that sealed the secrets of all endpoints.

use crate::auth::Operator;
use crate::db;

/// The beginnings of all sealed secrets, which name their keys, and how many begin like this.
///
/// # Errors
/// When the database fails.
pub async fn sealing_heads(operator: &Operator) -> Result<Vec<(Vec<u8>, i64)>, db::Error> {
    let statement = operator.statement().await?;
    let rows = sqlx::query!(
        r#"
        with sealing_heads_of_endpoints as (select substring(secret for 5) as head from webhook_endpoint)
        select head as "head!", count(*) as "endpoints!" from sealing_heads_of_endpoints group by head order by head
        "#
    )
    .fetch_all(statement)
    .await?;
    Ok(rows.into_iter().map(|row| (row.head, row.endpoints)).collect())
}
