//! What every query of payments selects.

/// The columns of `PaymentRow` of the payments that `$chosen` selects, once for all queries. The line items come with
/// them, an array for each member as in `insert`: one round trip, and nothing of the payment is sent twice.
macro_rules! select_payments {
    ([$($chosen:literal)+] [$($order:literal)*], $($argument:expr),* $(,)?) => {
        sqlx::query_as!(
            PaymentRow,
            r#"
            select connection_id, id, created_at, modified_at, invoice_id, transaction_date,
                   transaction_offset_minutes, contact_id, account_id, currency, exchange_rate, total_amount,
                   type as kind, company_info_id, accounting_period_id, tracking_categories,
                   field_mappings as "field_mappings: Json<Box<RawValue>>", remote_id, remote_updated_at,
                   remote_data as "remote_data: Json<Box<RawValue>>", warnings as "warnings: Json<Vec<Warning>>",
                   request_digest, matches as "matches!", is_last_look as "is_last_look!",
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
            ) as chosen,
            lateral (
                select array_agg(name) as item_name, array_agg(value) as item_value, array_agg(type) as item_kind,
                       array_agg(parent_item) as item_parent_item, array_agg(remote_id) as item_remote_id,
                       array_agg(remote_generated_at) as item_remote_generated_at,
                       array_agg(company_info_id) as item_company_info_id, array_agg(created_at) as item_created_at,
                       array_agg(modified_at) as item_modified_at, array_agg(applied_amount) as item_applied_amount,
                       array_agg(applied_date) as item_applied_date,
                       array_agg(applied_offset_minutes) as item_applied_offset_minutes,
                       array_agg(related_object_id) as item_related_object_id,
                       array_agg(related_object_type) as item_related_object_type
                from (
                    select * from payment_line_item
                    where connection_id = $1 and payment_id = chosen.id
                    order by position
                ) as item
            ) as items
            "# $(+ $order)*,
            $($argument),*
        )
    };
}

pub(super) use select_payments;
