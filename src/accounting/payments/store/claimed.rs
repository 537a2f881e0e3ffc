//! The payments are read whose idempotency keys other requests claim again.

use super::rows::PaymentRow;
use crate::accounting::payments::payment::{IdempotencyClaim, Payment};
use crate::auth::Scope;
use crate::db;

/// Reads the payments that have the keys of these claims, in their order and with one statement. `None` where another
/// request put the payment there. Every key must be taken.
///
/// Of a payment of another request only the columns of its own row are read: a small request could otherwise make the
/// server read a large payment.
///
/// # Errors
/// When the database fails.
pub async fn find_claimed(scope: &Scope, claims: &[&IdempotencyClaim]) -> Result<Vec<Option<Payment>>, db::Error> {
    let rows = rows(scope, claims).await?;
    if rows.len() != claims.len() {
        return Err(sqlx::Error::RowNotFound.into());
    }
    let payments = claims.iter().zip(rows).map(|(claim, row)| of_claim(scope, claim, row));
    Ok(payments.collect::<Result<_, _>>()?)
}

/// Reads the payment that has the key of this claim, if there is one. `Some(None)` when another request put it there.
///
/// # Errors
/// When the database fails.
pub async fn find_claim(scope: &Scope, claim: &IdempotencyClaim) -> Result<Option<Option<Payment>>, db::Error> {
    let row = rows(scope, &[claim]).await?.pop();
    Ok(row.map(|row| of_claim(scope, claim, row)).transpose()?)
}

/// The payment, unless another request put it there.
fn of_claim(scope: &Scope, claim: &IdempotencyClaim, row: PaymentRow) -> Result<Option<Payment>, sqlx::Error> {
    let is_same = row.request_digest.as_deref() == Some(claim.digest.as_slice());
    is_same.then(|| row.into_payment(scope)).transpose()
}

/// The rows that have the keys of these claims, in their order. The arrays come from subqueries: Postgres does not see
/// their length, and so keeps one generic plan.
async fn rows(scope: &Scope, claims: &[&IdempotencyClaim]) -> Result<Vec<PaymentRow>, db::Error> {
    let keys: Vec<&str> = claims.iter().map(|claim| claim.key.as_str()).collect();
    let digests: Vec<&[u8]> = claims.iter().map(|claim| claim.digest.as_slice()).collect();
    let rows = sqlx::query_as!(
        PaymentRow,
        r#"
        select connection_id, id, created_at, modified_at, invoice_id, transaction_date, transaction_offset_minutes,
               contact_id, account_id, currency, exchange_rate, total_amount, type as kind, company_info_id,
               accounting_period_id, tracking_categories,
               case when request_digest = digest then field_mappings end as "field_mappings: _",
               remote_id, remote_updated_at, remote_status,
               case when request_digest = digest then remote_data end as "remote_data: _",
               case when request_digest = digest then warnings end as "warnings: _",
               request_digest,
               case when request_digest = digest then array(
                   select json_build_array(name, value, type, parent_item, remote_id, remote_generated_at,
                                           company_info_id, created_at, modified_at, applied_amount, applied_date,
                                           applied_offset_minutes, related_object_id, related_object_type)
                   from payment_line_item
                   where connection_id = $1 and payment_id = payment.id
                   order by position
               ) end as "line_items: _",
               true as "matches!", false as "is_scan_end!"
        from unnest((select $2::text[]), (select $3::bytea[])) with ordinality as claim (key, digest, place)
        cross join lateral (
            select * from payment where connection_id = $1 and idempotency_key = key limit 1
        ) as payment
        order by place
        "#,
        scope.connection_id().0,
        &keys as _,
        &digests as _,
    )
    .fetch_all(scope.statement().await?)
    .await?;
    Ok(rows)
}
