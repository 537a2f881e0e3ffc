//! Payments are written.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::accounting::payments::payment::{IdempotencyClaim, LineItem, PaymentData, Stamp};
use crate::auth::Scoped;
use crate::db;
use crate::domain::{Currency, ExchangeRate, FreeText, MinorUnits, OffsetTimestamp, ReferenceId, Warning};

/// A payment to be stored, with its claim on an idempotency key.
#[derive(Debug)]
pub struct PaymentInsert {
    /// What the client said.
    pub data: Box<PaymentData>,
    /// What the answer will warn of.
    pub warnings: Vec<Warning>,
    /// The claim, when the client sent a key.
    pub claim: Option<IdempotencyClaim>,
}

/// What became of the rows of an [`insert`].
#[derive(Debug)]
pub struct Inserted {
    /// The ids of the payments that are stored now. The idempotency keys of the others are taken, unless `is_late`.
    pub ids: Vec<Uuid>,
    /// Whether the statement reached the database after `not_after`. Then nothing is stored.
    pub is_late: bool,
    /// The database's clock.
    pub clock: DateTime<Utc>,
}

/// Stores payments of any connections with their line items and their claims on idempotency keys: one statement, one
/// round trip, all or nothing. Each row has its stamp at the same place.
///
/// The database stores nothing when its clock is past `not_after` as it receives the statement
/// (`statement_timestamp()`, one time for the whole batch). A statement that a stalled network delivers late therefore
/// has no effect, and a client can learn after a known time whether its payment is stored.
///
/// A twin, a request with the same key on whatever server, waits at the unique index until the first has committed;
/// its own insert then does nothing. So the rows must stand in the order of connection and key: two statements of
/// which each held a key and waited for the other's would deadlock.
///
/// # Errors
/// [`db::Error::Lost`] when the connection broke and it is not known whether the payments are stored; after every
/// other error none of them is.
pub async fn insert(
    rows: &[&Scoped<PaymentInsert>],
    stamps: &[Stamp],
    not_after: DateTime<Utc>,
    statement: impl PgExecutor<'_>,
) -> Result<Inserted, db::Error> {
    let contents = column(rows, |row| &*row.value.data);
    let claims = column(rows, |row| row.value.claim.as_ref());
    let items = line_items(stamps, &contents);
    let inserted = sqlx::query!(
        r#"
        with stored as (
            insert into payment (
                connection_id, id, created_at, modified_at, invoice_id, transaction_date, transaction_offset_minutes,
                contact_id, account_id, currency, exchange_rate, total_amount, type, company_info_id,
                accounting_period_id, tracking_categories, field_mappings, warnings, idempotency_key, request_digest
            )
            select connection_id, id, created_at, modified_at, invoice_id, transaction_date,
                   transaction_offset_minutes, contact_id, account_id, currency, exchange_rate, total_amount, type,
                   company_info_id, accounting_period_id, tracking_categories::uuid[], field_mappings::json,
                   warnings::json, idempotency_key, request_digest
            from unnest(
                     $1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::uuid[], $6::timestamptz[],
                     $7::smallint[], $8::uuid[], $9::uuid[], $10::text[], $11::text[], $12::bigint[], $13::text[],
                     $14::uuid[], $15::uuid[], $16::text[], $17::text[], $18::text[], $19::text[], $20::bytea[]
                 ) as new (
                     connection_id, id, created_at, modified_at, invoice_id, transaction_date,
                     transaction_offset_minutes, contact_id, account_id, currency, exchange_rate, total_amount, type,
                     company_info_id, accounting_period_id, tracking_categories, field_mappings, warnings,
                     idempotency_key, request_digest
                 )
            where statement_timestamp() <= $37
            on conflict (connection_id, idempotency_key) where idempotency_key is not null do nothing
            returning connection_id, id
        ),
        stored_items as (
            insert into payment_line_item (
                connection_id, payment_id, position, name, value, type, parent_item, remote_id, remote_generated_at,
                company_info_id, created_at, modified_at, applied_amount, applied_date, applied_offset_minutes,
                related_object_id, related_object_type
            )
            select stored.connection_id, stored.id, item.position, item.name, item.value, item.type, item.parent_item,
                   item.remote_id, item.remote_generated_at, item.company_info_id, item.created_at, item.modified_at,
                   item.applied_amount, item.applied_date, item.applied_offset_minutes, item.related_object_id,
                   item.related_object_type
            from stored
            join unnest(
                     $21::uuid[], $22::integer[], $23::text[], $24::bigint[], $25::text[], $26::text[], $27::text[],
                     $28::timestamptz[], $29::uuid[], $30::timestamptz[], $31::timestamptz[], $32::bigint[],
                     $33::timestamptz[], $34::smallint[], $35::uuid[], $36::text[]
                 ) as item (
                     payment_id, position, name, value, type, parent_item, remote_id, remote_generated_at,
                     company_info_id, created_at, modified_at, applied_amount, applied_date, applied_offset_minutes,
                     related_object_id, related_object_type
                 ) on item.payment_id = stored.id
        )
        select array_agg(id) as ids, statement_timestamp() > $37 as "is_late!", clock_timestamp() as "now!" from stored
        "#,
        column(rows, |row| row.scope.connection_id().0) as _,
        column(stamps, |stamp| stamp.id.0) as _,
        column(stamps, |stamp| stamp.time) as _,
        column(stamps, |stamp| stamp.time) as _,
        column(&contents, |content| content.invoice_id.map(|id| id.0)) as _,
        column(&contents, |content| content.transaction_date.map(OffsetTimestamp::instant)) as _,
        column(&contents, |content| content.transaction_date.map(OffsetTimestamp::offset_minutes)) as _,
        column(&contents, |content| content.contact_id.map(|id| id.0)) as _,
        column(&contents, |content| content.account_id.map(|id| id.0)) as _,
        column(&contents, |content| content.currency.map(Currency::code)) as _,
        column(&contents, |content| content.exchange_rate.as_ref().map(ExchangeRate::as_str)) as _,
        column(&contents, |content| content.total_amount.map(MinorUnits::get)) as _,
        column(&contents, |content| content.kind.as_ref().map(FreeText::as_str)) as _,
        column(&contents, |content| content.company_info_id.map(|id| id.0)) as _,
        column(&contents, |content| content.accounting_period_id.map(|id| id.0)) as _,
        // Arrays within the array would have to be of one length; as text each has its own.
        column(&contents, |content| content.tracking_categories.as_deref().map(array_text)) as _,
        // As text: of a `Json` sqlx makes a `jsonb`, which would write numbers and order anew.
        column(&contents, |content| content.field_mappings.as_ref().map(|object| object.as_raw().get())) as _,
        column(rows, |row| warnings_text(&row.value.warnings)) as _,
        column(&claims, |claim| claim.map(|claim| claim.key.as_str())) as _,
        column(&claims, |claim| claim.map(|claim| claim.digest.as_slice())) as _,
        column(&items, |(_, stamp, _)| stamp.id.0) as _,
        column(&items, |(place, _, _)| place) as _,
        column(&items, |(.., item)| item.name.as_ref().map(FreeText::as_str)) as _,
        column(&items, |(.., item)| item.value.map(MinorUnits::get)) as _,
        column(&items, |(.., item)| item.kind.as_ref().map(FreeText::as_str)) as _,
        column(&items, |(.., item)| item.parent_item.as_ref().map(FreeText::as_str)) as _,
        column(&items, |(.., item)| item.remote_id.as_ref().map(FreeText::as_str)) as _,
        column(&items, |(.., item)| item.remote_generated_at) as _,
        column(&items, |(.., item)| item.company_info_id.map(|id| id.0)) as _,
        column(&items, |(_, stamp, item)| item.created_at.unwrap_or(stamp.time)) as _,
        column(&items, |(_, stamp, item)| item.modified_at.unwrap_or(stamp.time)) as _,
        column(&items, |(.., item)| item.applied_amount.map(MinorUnits::get)) as _,
        column(&items, |(.., item)| item.applied_date.map(OffsetTimestamp::instant)) as _,
        column(&items, |(.., item)| item.applied_date.map(OffsetTimestamp::offset_minutes)) as _,
        column(&items, |(.., item)| item.related_object_id.map(|id| id.0)) as _,
        column(&items, |(.., item)| item.related_object_type.as_ref().map(FreeText::as_str)) as _,
        not_after,
    )
    .fetch_one(statement)
    .await
    .map_err(db::Error::of_write)?;
    Ok(Inserted { ids: inserted.ids.unwrap_or_default(), is_late: inserted.is_late, clock: inserted.now })
}

/// The line items of all payments, each with its place and its payment's stamp.
fn line_items<'a>(stamps: &[Stamp], contents: &[&'a PaymentData]) -> Vec<(i32, Stamp, &'a LineItem)> {
    let of_payment = |(stamp, data): (&Stamp, &&'a PaymentData)| {
        let stamp = *stamp;
        (0..).zip(&data.line_items).map(move |(place, item)| (place, stamp, item))
    };
    stamps.iter().zip(contents).flat_map(of_payment).collect()
}

/// One member of all rows, as an array parameter.
fn column<R: Copy, T>(rows: &[R], member: impl Fn(R) -> T) -> Vec<T> {
    rows.iter().copied().map(member).collect()
}

/// Warnings as JSON text, if there are any. Nothing in them can fail to be written.
fn warnings_text(warnings: &[Warning]) -> Option<String> {
    if warnings.is_empty() { None } else { serde_json::to_string(warnings).ok() }
}

/// An array of Postgres as text.
fn array_text(ids: &[ReferenceId]) -> String {
    let mut text = String::with_capacity(2 + ids.len() * (uuid::fmt::Hyphenated::LENGTH + 1));
    text.push('{');
    for (place, id) in ids.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(id.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    }
    text.push('}');
    text
}
