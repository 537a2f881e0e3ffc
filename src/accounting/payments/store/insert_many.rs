//! Many payments are written at once, with any number of line items.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use super::columns::{LineItemColumns, PaymentColumns, column, owners};
use super::inserted::Inserted;
use crate::accounting::payments::payment::{PaymentInsert, Stamp};
use crate::auth::Scoped;
use crate::db;

/// [`fn@super::insert`] for any number of rows. Each column is an array, so that the statement is prepared once for any
/// number. A parameter's place is that of its column.
#[expect(clippy::too_many_lines, reason = "a statement, and each of its parameters on a line")]
pub(super) async fn insert_many(
    rows: &[&Scoped<PaymentInsert>],
    stamps: &[Stamp],
    not_after: DateTime<Utc>,
    statement: impl PgExecutor<'_>,
) -> Result<Inserted, db::Error> {
    let stamped = || rows.iter().copied().zip(stamps.iter().copied());
    let payments: Vec<_> = stamped().map(|(row, stamp)| PaymentColumns::new(row, stamp)).collect();
    let items: Vec<_> = stamped().flat_map(|(row, stamp)| LineItemColumns::of(row, stamp)).collect();
    let (connections, projects) = owners(&payments);
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
                        unnest($1::uuid[]) as connection_id,
                        unnest($2::uuid[]) as id,
                        unnest($3::timestamptz[]) as created_at,
                        unnest($4::timestamptz[]) as modified_at,
                        unnest($5::uuid[]) as invoice_id,
                        unnest($6::timestamptz[]) as transaction_date,
                        unnest($7::smallint[]) as transaction_offset_minutes,
                        unnest($8::uuid[]) as contact_id,
                        unnest($9::uuid[]) as account_id,
                        unnest($10::text[]) as currency,
                        unnest($11::text[]) as exchange_rate,
                        unnest($12::bigint[]) as total_amount,
                        unnest($13::text[]) as type,
                        unnest($14::uuid[]) as company_info_id,
                        unnest($15::uuid[]) as accounting_period_id,
                        unnest($16::text[])::uuid[] as tracking_categories,
                        unnest($17::text[])::json as field_mappings,
                        unnest($18::text[])::json as warnings,
                        unnest($19::text[]) as idempotency_key,
                        unnest($20::bytea[]) as request_digest"# + $value + r#"
                    where statement_timestamp() <= $37
                    on conflict (connection_id, idempotency_key) where idempotency_key is not null do nothing
                    returning connection_id, id"# + $returning + r#"
                ),
                stored_items as (
                    insert into payment_line_item (
                        connection_id, payment_id, position, name, value, type, parent_item, remote_id,
                        remote_generated_at, company_info_id, created_at, modified_at, applied_amount, applied_date,
                        applied_offset_minutes, related_object_id, related_object_type
                    )
                    select stored.connection_id, item.*
                    from stored
                    join (
                        select
                            unnest($21::uuid[]) as payment_id,
                            unnest($22::integer[]) as position,
                            unnest($23::text[]) as name,
                            unnest($24::bigint[]) as value,
                            unnest($25::text[]) as type,
                            unnest($26::text[]) as parent_item,
                            unnest($27::text[]) as remote_id,
                            unnest($28::timestamptz[]) as remote_generated_at,
                            unnest($29::uuid[]) as company_info_id,
                            unnest($30::timestamptz[]) as created_at,
                            unnest($31::timestamptz[]) as modified_at,
                            unnest($32::bigint[]) as applied_amount,
                            unnest($33::timestamptz[]) as applied_date,
                            unnest($34::smallint[]) as applied_offset_minutes,
                            unnest($35::uuid[]) as related_object_id,
                            unnest($36::text[]) as related_object_type
                    ) as item on item.payment_id = stored.id
                ),
                announced as (
                    insert into event_outbox (project_id, connection_id, type, objects, created_at)
                    select project_id, connection_id, 'accounting.payment.created', array_agg(id), ($3::timestamptz[])[1]
                    from stored
                    join (select unnest($38::uuid[]) as connection_id, unnest($39::uuid[]) as project_id) as owner
                        using (connection_id)
                    group by project_id, connection_id
                )"# + $write + r#"
                select array_agg(id) as ids, statement_timestamp() > $37 as "is_late!", clock_timestamp() as "now!"
                from stored
                "#,
                column(&payments, |new| new.connection_id) as _,
                column(&payments, |new| new.id) as _,
                column(&payments, |new| new.created_at) as _,
                column(&payments, |new| new.modified_at) as _,
                column(&payments, |new| new.invoice_id) as _,
                column(&payments, |new| new.transaction_date) as _,
                column(&payments, |new| new.transaction_offset_minutes) as _,
                column(&payments, |new| new.contact_id) as _,
                column(&payments, |new| new.account_id) as _,
                column(&payments, |new| new.currency) as _,
                column(&payments, |new| new.exchange_rate) as _,
                column(&payments, |new| new.total_amount) as _,
                column(&payments, |new| new.kind) as _,
                column(&payments, |new| new.company_info_id) as _,
                column(&payments, |new| new.accounting_period_id) as _,
                column(&payments, |new| new.tracking_categories.as_deref()) as _,
                column(&payments, |new| new.field_mappings) as _,
                column(&payments, |new| new.warnings.as_deref()) as _,
                column(&payments, |new| new.idempotency_key) as _,
                column(&payments, |new| new.request_digest) as _,
                column(&items, |new| new.payment_id) as _,
                column(&items, |new| new.position) as _,
                column(&items, |new| new.name) as _,
                column(&items, |new| new.value) as _,
                column(&items, |new| new.kind) as _,
                column(&items, |new| new.parent_item) as _,
                column(&items, |new| new.remote_id) as _,
                column(&items, |new| new.remote_generated_at) as _,
                column(&items, |new| new.company_info_id) as _,
                column(&items, |new| new.created_at) as _,
                column(&items, |new| new.modified_at) as _,
                column(&items, |new| new.applied_amount) as _,
                column(&items, |new| new.applied_date) as _,
                column(&items, |new| new.applied_offset_minutes) as _,
                column(&items, |new| new.related_object_id) as _,
                column(&items, |new| new.related_object_type) as _,
                not_after,
                &connections,
                &projects
                $(, $($remote_status)+)?
            )
            .fetch_one(statement)
            .await
            .map(|row| Inserted { ids: row.ids.unwrap_or_default(), is_late: row.is_late, clock: row.now })
        };
    }
    let inserted = if payments.iter().all(|new| new.remote_status.is_none()) {
        insert!("", "", "", "")
    } else {
        insert!(
            ", remote_status",
            ", unnest($40::text[]) as remote_status",
            ", created_at, remote_status",
            ",
            begun_write as (
                insert into remote_write (connection_id, payment_id, state, attempts, due_at, created_at, modified_at)
                select connection_id, id, remote_status, 0, created_at, created_at, created_at
                from stored
                where remote_status is not null
            )",
            column(&payments, |new| new.remote_status) as _
        )
    };
    inserted.map_err(db::Error::of_write)
}
