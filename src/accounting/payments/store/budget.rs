//! What a page of a list may hold, and the payments that fit into it.

use uuid::Uuid;

use super::rows::PaymentRow;
use crate::auth::Scope;
use crate::db;

/// How much of the payments is read at a time.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// The number of line items. One without any text is some 330 bytes of JSON.
    pub line_items: i64,
    /// Bytes of the line items' texts, of custom fields, remote data and warnings.
    pub text_bytes: i64,
}

impl Budget {
    /// The most that a page holds, unless its first payment alone is larger. With the default settings a page is some
    /// 2 MB at most. It has room for two of the largest payments that they allow, or for 200 of ten line items each.
    pub const PAGE: Self = Self { line_items: 2_000, text_bytes: 1_048_576 };

    /// The part of it for each of `payments`.
    #[must_use]
    pub fn share(self, payments: i64) -> Self {
        Self { line_items: self.line_items / payments, text_bytes: self.text_bytes / payments }
    }
}

/// Reads `candidates` again, whole and in their order, up to the first that does not fit into the page. The first of all
/// always fits, however large.
///
/// The number of a payment's line items is the position of its last one, which is one step into an index. So line items
/// over the budget are not read.
pub(super) async fn within_budget(scope: &Scope, candidates: &[PaymentRow]) -> Result<Vec<PaymentRow>, db::Error> {
    let ids: Vec<Uuid> = candidates.iter().map(|row| row.id).collect();
    let matches: Vec<bool> = candidates.iter().map(|row| row.matches).collect();
    let scan_ends: Vec<bool> = candidates.iter().map(|row| row.is_scan_end).collect();
    let statement = scope.list_statement().await?;
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
                   where connection_id = $1 and payment_id = sized.id
                   order by position
               ) as "line_items: _",
               matches as "matches!", is_scan_end as "is_scan_end!"
        from (
            select payment.*, place, matches, is_scan_end,
                   sum(coalesce(octet_length(field_mappings::text), 0) + coalesce(octet_length(remote_data::text), 0)
                       + coalesce(octet_length(warnings::text), 0) + item_bytes) over (order by place)
                   as text_bytes_so_far
            from (
                select *, sum(line_items) over (order by place) as line_items_so_far
                from (
                    select *,
                           coalesce((
                               select position + 1
                               from payment_line_item
                               where connection_id = $1 and payment_id = candidate_id
                               order by position desc
                               limit 1
                           ), 0) as line_items
                    from unnest($2::uuid[], $3::bool[], $4::bool[])
                         with ordinality as candidate (candidate_id, matches, is_scan_end, place)
                ) as candidate
            ) as counted
            cross join lateral (
                select * from payment where connection_id = $1 and id = candidate_id limit 1
            ) as payment
            cross join lateral (
                select coalesce(sum(
                           coalesce(octet_length(name), 0) + coalesce(octet_length(type), 0)
                           + coalesce(octet_length(parent_item), 0) + coalesce(octet_length(remote_id), 0)
                           + coalesce(octet_length(related_object_type), 0)), 0) as item_bytes
                from payment_line_item
                where connection_id = $1 and payment_id = candidate_id
            ) as texts
            where line_items_so_far <= $5 or place = 1
        ) as sized
        where text_bytes_so_far <= $6::bigint or place = 1
        order by place
        "#,
        scope.connection_id().0,
        &ids,
        &matches,
        &scan_ends,
        Budget::PAGE.line_items,
        Budget::PAGE.text_bytes,
    )
    .fetch_all(statement)
    .await?;
    Ok(rows)
}
