//! Payments are read by their ids.

use super::rows::PaymentRow;
use crate::accounting::payments::payment::Payment;
use crate::auth::Scope;
use crate::db;
use crate::domain::PaymentId;

/// Reads one payment of the connection.
///
/// # Errors
/// When the database fails.
pub async fn find(scope: &Scope, id: PaymentId) -> Result<Option<Payment>, db::Error> {
    Ok(find_many(scope, &[id]).await?.pop())
}

/// Reads those payments of the connection that exist, in any order.
///
/// Each id is looked up by itself. For `id = any(…)` Postgres would take the average size of connections into account:
/// where most are small, it would read all payments of a large one. The array comes from a subquery: Postgres does
/// not see its length, and so keeps one generic plan.
///
/// # Errors
/// When the database fails.
pub async fn find_many(scope: &Scope, ids: &[PaymentId]) -> Result<Vec<Payment>, db::Error> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query_as!(
        PaymentRow,
        r#"
        select connection_id, id, created_at, modified_at, invoice_id, transaction_date, transaction_offset_minutes,
               contact_id, account_id, currency, exchange_rate, total_amount, type as kind, company_info_id,
               accounting_period_id, tracking_categories, field_mappings as "field_mappings: _", remote_id,
               remote_updated_at, remote_data as "remote_data: _", remote_status, warnings as "warnings: _",
               request_digest,
               array(
                   select json_build_array(name, value, type, parent_item, remote_id, remote_generated_at,
                                           company_info_id, created_at, modified_at, applied_amount, applied_date,
                                           applied_offset_minutes, related_object_id, related_object_type)
                   from payment_line_item
                   where connection_id = $1 and payment_id = payment.id
                   order by position
               ) as "line_items: _",
               true as "matches!", false as "is_scan_end!"
        from unnest((select $2::uuid[])) as wanted (wanted_id)
        cross join lateral (select * from payment where connection_id = $1 and id = wanted_id limit 1) as payment
        "#,
        scope.connection_id().0,
        &ids,
    )
    .fetch_all(scope.statement().await?)
    .await?;
    Ok(rows.into_iter().map(|row| row.into_payment(scope)).collect::<Result<_, _>>()?)
}
