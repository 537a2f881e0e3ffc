//! Payments in Postgres. Every function demands a [`Scope`], and every statement has its connection in the `where`.

use serde_json::value::RawValue;
use sqlx::types::Json;
use uuid::Uuid;

use super::filter::Filter;
use super::payment::{Claim, LineItem, Payment};
use super::rows::{LineItemRow, PaymentRow, assemble};
use crate::auth::Scope;
use crate::db;
use crate::domain::{Currency, ExchangeRate, MinorUnits, PaymentId, Text, Warning, WrittenTime};
use crate::http::page::{Cursor, Direction};

/// What became of a payment that was to be inserted.
#[derive(Debug)]
pub enum Inserted {
    /// It is stored.
    Stored,
    /// The same request had stored this one before. Nothing new was stored.
    Before(Box<Payment>),
    /// Another request had used the idempotency key. Nothing was stored.
    KeyReused,
}

/// Stores a payment with its line items and its claim on an idempotency key: one statement, one round trip, all or
/// nothing.
///
/// A twin, a request with the same key on whatever server, waits at the unique index until the first has committed;
/// its own insert then does nothing and the first one's payment is read.
///
/// # Errors
/// [`db::Error::Lost`] when the connection broke and it is not known whether the payment is stored; after every other
/// error it is not.
pub async fn insert(scope: &Scope, payment: &Payment, claim: Option<&Claim>) -> Result<Inserted, db::Error> {
    let Payment { id, content, created_at, modified_at, .. } = payment;
    let warnings = (!payment.warnings.is_empty()).then_some(Json(&payment.warnings));
    let tracking_categories: Option<Vec<Uuid>> =
        content.tracking_categories.as_ref().map(|ids| ids.iter().map(|id| id.0).collect());
    let items = &content.line_items;
    let mut connection = scope.acquire().await?;
    let stored = sqlx::query_scalar!(
        r#"
        with stored as (
            insert into payment (
                connection_id, id, created_at, modified_at, invoice_id, transaction_date, transaction_offset_minutes,
                contact_id, account_id, currency, exchange_rate, total_amount, type, company_info_id,
                accounting_period_id, tracking_categories, field_mappings, warnings, idempotency_key, request_digest
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17::text::json, $18, $19,
                    $20)
            on conflict (connection_id, idempotency_key) where idempotency_key is not null do nothing
            returning connection_id, id, created_at
        ),
        stored_items as (
            insert into payment_line_item (
                connection_id, payment_id, position, name, value, type, parent_item, remote_id, remote_generated_at,
                company_info_id, created_at, modified_at, applied_amount, applied_date, applied_offset_minutes,
                related_object_id, related_object_type
            )
            select stored.connection_id, stored.id, item.ordinal - 1, item.name, item.value, item.type,
                   item.parent_item, item.remote_id, item.remote_generated_at, item.company_info_id,
                   coalesce(item.created_at, stored.created_at), coalesce(item.modified_at, stored.created_at),
                   item.applied_amount, item.applied_date, item.applied_offset_minutes, item.related_object_id,
                   item.related_object_type
            from stored,
                 unnest(
                     $21::text[], $22::bigint[], $23::text[], $24::text[], $25::text[], $26::timestamptz[],
                     $27::uuid[], $28::timestamptz[], $29::timestamptz[], $30::bigint[], $31::timestamptz[],
                     $32::smallint[], $33::uuid[], $34::text[]
                 ) with ordinality as item (
                     name, value, type, parent_item, remote_id, remote_generated_at, company_info_id, created_at,
                     modified_at, applied_amount, applied_date, applied_offset_minutes, related_object_id,
                     related_object_type, ordinal
                 )
        )
        select exists (select from stored) as "stored!"
        "#,
        scope.connection_id().0,
        id.0,
        created_at,
        modified_at,
        content.invoice_id.map(|id| id.0),
        content.transaction_date.map(WrittenTime::instant),
        content.transaction_date.map(WrittenTime::offset_minutes),
        content.contact_id.map(|id| id.0),
        content.account_id.map(|id| id.0),
        content.currency.map(Currency::code),
        content.exchange_rate.as_ref().map(ExchangeRate::as_str),
        content.total_amount.map(MinorUnits::get),
        content.kind.as_ref().map(Text::as_str),
        content.company_info_id.map(|id| id.0),
        content.accounting_period_id.map(|id| id.0),
        tracking_categories.as_deref(),
        // As text: of a `Json` sqlx makes a `jsonb`, which would write numbers and order anew.
        content.field_mappings.as_ref().map(|object| object.as_raw().get()),
        warnings as _,
        claim.map(|claim| claim.key.as_str()),
        claim.map(|claim| claim.digest.as_slice()),
        column(items, |item| item.name.as_ref().map(Text::as_str)) as _,
        column(items, |item| item.value.map(MinorUnits::get)) as _,
        column(items, |item| item.kind.as_ref().map(Text::as_str)) as _,
        column(items, |item| item.parent_item.as_ref().map(Text::as_str)) as _,
        column(items, |item| item.remote_id.as_ref().map(Text::as_str)) as _,
        column(items, |item| item.remote_generated_at) as _,
        column(items, |item| item.company_info_id.map(|id| id.0)) as _,
        column(items, |item| item.created_at) as _,
        column(items, |item| item.modified_at) as _,
        column(items, |item| item.applied_amount.map(MinorUnits::get)) as _,
        column(items, |item| item.applied_date.map(WrittenTime::instant)) as _,
        column(items, |item| item.applied_date.map(WrittenTime::offset_minutes)) as _,
        column(items, |item| item.related_object_id.map(|id| id.0)) as _,
        column(items, |item| item.related_object_type.as_ref().map(Text::as_str)) as _,
    )
    .fetch_one(&mut *connection)
    .await?;
    // Given back before the look-up below asks for one: two requests that each hold one and wait for another would
    // starve a small pool.
    drop(connection);

    match claim {
        Some(claim) if !stored => find_claimed(scope, claim).await,
        _ => Ok(Inserted::Stored),
    }
}

/// One member of all line items, as an array parameter.
fn column<'a, T>(items: &'a [LineItem], member: impl Fn(&'a LineItem) -> Option<T>) -> Vec<Option<T>> {
    items.iter().map(member).collect()
}

/// The columns of [`PaymentRow`], once for all queries.
macro_rules! select_payments {
    ($($tail:literal)+, $($argument:expr),* $(,)?) => {
        sqlx::query_as!(
            PaymentRow,
            r#"
            select id, created_at, modified_at, invoice_id, transaction_date, transaction_offset_minutes, contact_id,
                   account_id, currency, exchange_rate, total_amount, type as kind, company_info_id,
                   accounting_period_id, tracking_categories,
                   field_mappings as "field_mappings: Json<Box<RawValue>>", remote_id, remote_updated_at,
                   remote_data as "remote_data: Json<Box<RawValue>>", warnings as "warnings: Json<Vec<Warning>>",
                   request_digest
            from payment
            "# $(+ $tail)+,
            $($argument),*
        )
    };
}

async fn find_claimed(scope: &Scope, claim: &Claim) -> Result<Inserted, db::Error> {
    let mut connection = scope.acquire().await?;
    let row = select_payments!(
        "where connection_id = $1 and idempotency_key = $2",
        scope.connection_id().0,
        claim.key.as_str(),
    )
    .fetch_one(&mut *connection)
    .await?;
    if row.request_digest.as_deref() != Some(claim.digest.as_slice()) {
        return Ok(Inserted::KeyReused);
    }
    let items = line_items(scope, &mut connection, &[row.id]).await?;
    let mut payments = assemble(vec![row], items)?;
    payments.pop().map(|payment| Inserted::Before(Box::new(payment))).ok_or(sqlx::Error::RowNotFound.into())
}

/// Reads one payment of the connection.
///
/// # Errors
/// When the database fails.
pub async fn find(scope: &Scope, id: PaymentId) -> Result<Option<Payment>, db::Error> {
    let mut connection = scope.acquire().await?;
    let row = select_payments!("where connection_id = $1 and id = $2", scope.connection_id().0, id.0)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let items = line_items(scope, &mut connection, &[row.id]).await?;
    Ok(assemble(vec![row], items)?.pop())
}

/// Reads up to `limit` payments from `cursor` on: oldest first, or newest first when the cursor leads backward.
///
/// # Errors
/// When the database fails.
pub async fn page(
    scope: &Scope,
    filter: &Filter,
    cursor: Option<Cursor>,
    limit: usize,
) -> Result<Vec<Payment>, db::Error> {
    /// The same page in both directions: `$beyond` compares with the cursor, `$order` sorts.
    macro_rules! page {
        ($beyond:literal, $order:literal) => {
            select_payments!(
                r#"
                where connection_id = $1
                  and ($2::timestamptz is null or (created_at, id) "# $beyond r#" ($2, $3))
                  and ($4::timestamptz is null or created_at > $4)
                  and ($5::timestamptz is null or created_at < $5)
                  and ($6::timestamptz is null or modified_at > $6)
                  and ($7::timestamptz is null or modified_at < $7)
                  and ($8::timestamptz is null or transaction_date > $8)
                  and ($9::timestamptz is null or transaction_date < $9)
                  and ($10::uuid is null or invoice_id = $10)
                  and ($11::uuid is null or contact_id = $11)
                  and ($12::uuid is null or account_id = $12)
                  and ($13::text is null or currency = $13)
                  and ($14::text is null or type = $14)
                  and ($15::text is null or remote_id = $15)
                  and ($16::text is null or idempotency_key = $16)
                order by "# $order r#" limit $17"#,
                scope.connection_id().0,
                cursor.map(|cursor| cursor.created_at),
                cursor.map(|cursor| cursor.id),
                filter.created_after,
                filter.created_before,
                filter.modified_after,
                filter.modified_before,
                filter.transaction_date_after,
                filter.transaction_date_before,
                filter.invoice_id.map(|id| id.0),
                filter.contact_id.map(|id| id.0),
                filter.account_id.map(|id| id.0),
                filter.currency.map(Currency::code),
                filter.kind.as_ref().map(Text::as_str),
                filter.remote_id.as_ref().map(Text::as_str),
                filter.idempotency_key.as_ref().map(|key| key.as_str()),
                i64::try_from(limit).unwrap_or(i64::MAX),
            )
        };
    }

    let mut connection = scope.acquire_for_list().await?;
    let rows = match cursor.map(|cursor| cursor.direction) {
        None | Some(Direction::Forward) => page!(">", "created_at, id").fetch_all(&mut *connection).await?,
        Some(Direction::Backward) => page!("<", "created_at desc, id desc").fetch_all(&mut *connection).await?,
    };
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let items = line_items(scope, &mut connection, &ids).await?;
    Ok(assemble(rows, items)?)
}

/// The line items of many payments in one query, each payment's in order.
async fn line_items(
    scope: &Scope,
    connection: &mut sqlx::PgConnection,
    payments: &[Uuid],
) -> Result<Vec<LineItemRow>, db::Error> {
    let rows = sqlx::query_as!(
        LineItemRow,
        r#"
        select payment_id, name, value, type as kind, parent_item, remote_id, remote_generated_at, company_info_id,
               created_at, modified_at, applied_amount, applied_date, applied_offset_minutes, related_object_id,
               related_object_type
        from payment_line_item
        where connection_id = $1 and payment_id = any($2)
        order by payment_id, position
        "#,
        scope.connection_id().0,
        payments,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}
