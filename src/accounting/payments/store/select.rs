//! What every query of payments selects.

/// The columns of `PaymentRow` of the payments that `$chosen` selects, once for all queries. The line items come with
/// them, an array for each member as in `insert`: one round trip, and nothing of the payment is sent twice.
///
/// `$bound` bounds the line items that are read of each payment. Where `$having` does not hold for a payment, its line
/// items and its JSON members are left out, and it says `is_partial`. There, `text_bytes` are the bytes of a line item's
/// texts, and `json_bytes` those of the payment's JSON members.
macro_rules! select_payments {
    ([$($chosen:literal)+] [$($bound:literal)*] [$($having:literal)*] [$($order:literal)*],
     $($argument:expr),* $(,)?) => {
        sqlx::query_as!(
            PaymentRow,
            r#"
            select connection_id, id, created_at, modified_at, invoice_id, transaction_date,
                   transaction_offset_minutes, contact_id, account_id, currency, exchange_rate, total_amount,
                   type as kind, company_info_id, accounting_period_id, tracking_categories,
                   case when is_whole then field_mappings end as "field_mappings: Json<Box<RawValue>>",
                   remote_id, remote_updated_at,
                   case when is_whole then remote_data end as "remote_data: Json<Box<RawValue>>",
                   case when is_whole then warnings end as "warnings: Json<Vec<Warning>>",
                   request_digest, matches as "matches!", is_scan_end as "is_scan_end!",
                   is_whole is null as "is_partial!",
                   item_name as "item_name: _", item_value as "item_value: _", item_kind as "item_kind: _",
                   item_parent_item as "item_parent_item: _", item_remote_id as "item_remote_id: _",
                   item_remote_generated_at as "item_remote_generated_at: _",
                   item_company_info_id as "item_company_info_id: _", item_created_at as "item_created_at: _",
                   item_modified_at as "item_modified_at: _", item_applied_amount as "item_applied_amount: _",
                   item_applied_date as "item_applied_date: _",
                   item_applied_offset_minutes as "item_applied_offset_minutes: _",
                   item_related_object_id as "item_related_object_id: _",
                   item_related_object_type as "item_related_object_type: _"
            from (
            "# $(+ $chosen)+ + r#"
            ) as chosen
            cross join lateral (
                select coalesce(octet_length(field_mappings::text), 0) + coalesce(octet_length(remote_data::text), 0)
                       + coalesce(octet_length(warnings::text), 0) as json_bytes
            ) as measured
            left join lateral (
                select true as is_whole,
                       array_agg(name) as item_name, array_agg(value) as item_value, array_agg(type) as item_kind,
                       array_agg(parent_item) as item_parent_item, array_agg(remote_id) as item_remote_id,
                       array_agg(remote_generated_at) as item_remote_generated_at,
                       array_agg(company_info_id) as item_company_info_id, array_agg(created_at) as item_created_at,
                       array_agg(modified_at) as item_modified_at, array_agg(applied_amount) as item_applied_amount,
                       array_agg(applied_date) as item_applied_date,
                       array_agg(applied_offset_minutes) as item_applied_offset_minutes,
                       array_agg(related_object_id) as item_related_object_id,
                       array_agg(related_object_type) as item_related_object_type
                from (
                    select *,
                           coalesce(octet_length(name), 0) + coalesce(octet_length(type), 0)
                           + coalesce(octet_length(parent_item), 0) + coalesce(octet_length(remote_id), 0)
                           + coalesce(octet_length(related_object_type), 0) as text_bytes
                    from payment_line_item
                    where connection_id = $1 and payment_id = chosen.id
                    order by position
                    "# $(+ $bound)* + r#"
                ) as item
                "# $(+ $having)* + r#"
            ) as items on true
            "# $(+ $order)*,
            $($argument),*
        )
    };
}

pub(super) use select_payments;
