//! One payment is written, with at most one line item. Without arrays it costs the database a third less than the
//! statement for many, and a server that is not busy writes nothing but such.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use super::columns::{LineItemColumns, PaymentColumns};
use super::inserted::Inserted;
use crate::accounting::payments::payment::{PaymentInsert, Stamp};
use crate::auth::Scoped;
use crate::db;

/// [`fn@super::insert`] for one payment whose number of line items is 0 or 1. A parameter's place is that of its column.
#[expect(clippy::too_many_lines, reason = "a statement, and each of its parameters on a line")]
pub(super) async fn insert_one(
    row: &Scoped<PaymentInsert>,
    stamp: Stamp,
    not_after: DateTime<Utc>,
    statement: impl PgExecutor<'_>,
) -> Result<Inserted, db::Error> {
    let payment = PaymentColumns::new(row, stamp);
    let item = LineItemColumns::of(row, stamp).next().unwrap_or_default();
    /// The statement: bare, or for connections with software, where a payment begins its write into it.
    macro_rules! insert {
        ($column:literal, $value:literal, $returning:literal, $write:literal $(, $($remote_status:tt)+)?) => {
            sqlx::query!(
                r#"
                with stored as (
                    insert into payment (
                        connection_id, id, created_at, modified_at, invoice_id, transaction_date,
                        transaction_offset_minutes, contact_id, account_id, currency, exchange_rate, total_amount,
                        type, company_info_id, accounting_period_id, tracking_categories, field_mappings, warnings,
                        idempotency_key, request_digest"# + $column + r#"
                    )
                    select
                        $1::uuid as connection_id,
                        $2::uuid as id,
                        $3::timestamptz as created_at,
                        $4::timestamptz as modified_at,
                        $5::uuid as invoice_id,
                        $6::timestamptz as transaction_date,
                        $7::smallint as transaction_offset_minutes,
                        $8::uuid as contact_id,
                        $9::uuid as account_id,
                        $10::text as currency,
                        $11::text as exchange_rate,
                        $12::bigint as total_amount,
                        $13::text as type,
                        $14::uuid as company_info_id,
                        $15::uuid as accounting_period_id,
                        $16::text::uuid[] as tracking_categories,
                        $17::text::json as field_mappings,
                        $18::text::json as warnings,
                        $19::text as idempotency_key,
                        $20::bytea as request_digest"# + $value + r#"
                    where statement_timestamp() <= $36
                    on conflict (connection_id, idempotency_key) where idempotency_key is not null do nothing
                    returning connection_id, id"# + $returning + r#"
                ),
                stored_item as (
                    insert into payment_line_item (
                        connection_id, payment_id, position, name, value, type, parent_item, remote_id,
                        remote_generated_at, company_info_id, created_at, modified_at, applied_amount, applied_date,
                        applied_offset_minutes, related_object_id, related_object_type
                    )
                    select
                        stored.connection_id,
                        stored.id,
                        $21::integer as position,
                        $22::text as name,
                        $23::bigint as value,
                        $24::text as type,
                        $25::text as parent_item,
                        $26::text as remote_id,
                        $27::timestamptz as remote_generated_at,
                        $28::uuid as company_info_id,
                        $29::timestamptz as created_at,
                        $30::timestamptz as modified_at,
                        $31::bigint as applied_amount,
                        $32::timestamptz as applied_date,
                        $33::smallint as applied_offset_minutes,
                        $34::uuid as related_object_id,
                        $35::text as related_object_type
                    from stored
                    where $21::integer is not null
                ),
                announced as (
                    insert into event_outbox (project_id, connection_id, type, objects, created_at)
                    select $37, connection_id, 'accounting.payment.created', array[id], $3
                    from stored
                )"# + $write + r#"
                select (select id from stored) as id, statement_timestamp() > $36 as "is_late!",
                       clock_timestamp() as "now!"
                "#,
                payment.connection_id,
                payment.id,
                payment.created_at,
                payment.modified_at,
                payment.invoice_id,
                payment.transaction_date,
                payment.transaction_offset_minutes,
                payment.contact_id,
                payment.account_id,
                payment.currency,
                payment.exchange_rate,
                payment.total_amount,
                payment.kind,
                payment.company_info_id,
                payment.accounting_period_id,
                payment.tracking_categories,
                payment.field_mappings,
                payment.warnings,
                payment.idempotency_key,
                payment.request_digest,
                item.position,
                item.name,
                item.value,
                item.kind,
                item.parent_item,
                item.remote_id,
                item.remote_generated_at,
                item.company_info_id,
                item.created_at,
                item.modified_at,
                item.applied_amount,
                item.applied_date,
                item.applied_offset_minutes,
                item.related_object_id,
                item.related_object_type,
                not_after,
                payment.project_id
                $(, $($remote_status)+)?
            )
            .fetch_one(statement)
            .await
            .map(|row| Inserted { ids: row.id.into_iter().collect(), is_late: row.is_late, clock: row.now })
        };
    }
    let inserted = if payment.remote_status.is_none() {
        insert!("", "", "", "")
    } else {
        insert!(
            ", remote_status",
            ", $38::text as remote_status",
            ", created_at, remote_status",
            ",
            begun_write as (
                insert into remote_write (connection_id, payment_id, state, attempts, due_at, created_at, modified_at)
                select connection_id, id, remote_status, 0, created_at, created_at, created_at
                from stored
                where remote_status is not null
            )",
            payment.remote_status
        )
    };
    inserted.map_err(db::Error::of_write)
}
