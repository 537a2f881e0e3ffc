//! Many payments are written at once, on the node of Citus that stores them.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use super::columns::{LineItemColumns, PaymentColumns, column, owners};
use super::inserted::Inserted;
use crate::accounting::payments::payment::{PaymentInsert, Stamp};
use crate::auth::Scoped;
use crate::db;

/// [`fn@super::insert`] for payments that one node stores. The statement for a plain Postgres commits in two phases on
/// Citus, on every node; the function commits on this one (`migrations/20261204000002_insert_payments_with_events.sql`).
/// A parameter's place is that of its column.
///
/// # Errors
/// Those of [`fn@super::insert`].
pub async fn insert_on_node(
    rows: &[&Scoped<PaymentInsert>],
    stamps: &[Stamp],
    not_after: DateTime<Utc>,
    statement: impl PgExecutor<'_>,
) -> Result<Inserted, db::Error> {
    let stamped = || rows.iter().copied().zip(stamps.iter().copied());
    let payments: Vec<_> = stamped().map(|(row, stamp)| PaymentColumns::new(row, stamp)).collect();
    let items: Vec<_> = stamped().flat_map(|(row, stamp)| LineItemColumns::of(row, stamp)).collect();
    let (connections, projects) = owners(&payments);
    let inserted = sqlx::query!(
        r#"
        select ids, is_late as "is_late!", now as "now!"
        from insert_payments_3(
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
            $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38,
            $39, $40
        )
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
        column(&payments, |new| new.remote_status) as _,
        &connections,
        &projects,
    )
    .fetch_one(statement)
    .await
    .map_err(db::Error::of_write)?;
    Ok(Inserted { ids: inserted.ids.unwrap_or_default(), is_late: inserted.is_late, clock: inserted.now })
}
