//! Payments in Postgres. Every function demands a [`Scope`], and every statement has its connection in the `where`.

use serde_json::value::RawValue;
use sqlx::PgExecutor;
use sqlx::types::Json;
use uuid::Uuid;

use super::filter::Filter;
use super::payment::{Claim, LineItem, Payment};
use super::rows::PaymentRow;
use crate::auth::{Scope, Scoped};
use crate::db;
use crate::domain::{Currency, ExchangeRate, MinorUnits, PaymentId, RelatedId, Text, Warning, WrittenTime};
use crate::http::page::{Cursor, Direction, Limit};

/// A payment to be stored, with its claim on an idempotency key.
#[derive(Debug)]
pub struct NewRow {
    /// The payment.
    pub payment: Box<Payment>,
    /// The claim, when the client sent a key.
    pub claim: Option<Claim>,
}

/// Stores payments of any connections with their line items and their claims on idempotency keys: one statement, one
/// round trip, all or nothing. Answers the ids of those that are stored now; the keys of the others are taken.
///
/// A twin, a request with the same key on whatever server, waits at the unique index until the first has committed;
/// its own insert then does nothing. So the rows must stand in the order of connection and key: two statements of
/// which each held a key and waited for the other's would deadlock.
///
/// # Errors
/// [`db::Error::Lost`] when the connection broke and it is not known whether the payments are stored; after every
/// other error none of them is.
pub async fn insert(rows: &[&Scoped<NewRow>], work: impl PgExecutor<'_>) -> Result<Vec<Uuid>, db::Error> {
    let payments = column(rows, |row| &*row.value.payment);
    let contents = column(&payments, |payment| &payment.content);
    let claims = column(rows, |row| row.value.claim.as_ref());
    let items: Vec<(i32, &Payment, &LineItem)> = payments
        .iter()
        .flat_map(|payment| (0..).zip(&payment.content.line_items).map(|(place, item)| (place, *payment, item)))
        .collect();
    let stored = sqlx::query_scalar!(
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
        select array_agg(id) from stored
        "#,
        column(rows, |row| row.scope.connection_id().0) as _,
        column(&payments, |payment| payment.id.0) as _,
        column(&payments, |payment| payment.created_at) as _,
        column(&payments, |payment| payment.modified_at) as _,
        column(&contents, |content| content.invoice_id.map(|id| id.0)) as _,
        column(&contents, |content| content.transaction_date.map(WrittenTime::instant)) as _,
        column(&contents, |content| content.transaction_date.map(WrittenTime::offset_minutes)) as _,
        column(&contents, |content| content.contact_id.map(|id| id.0)) as _,
        column(&contents, |content| content.account_id.map(|id| id.0)) as _,
        column(&contents, |content| content.currency.map(Currency::code)) as _,
        column(&contents, |content| content.exchange_rate.as_ref().map(ExchangeRate::as_str)) as _,
        column(&contents, |content| content.total_amount.map(MinorUnits::get)) as _,
        column(&contents, |content| content.kind.as_ref().map(Text::as_str)) as _,
        column(&contents, |content| content.company_info_id.map(|id| id.0)) as _,
        column(&contents, |content| content.accounting_period_id.map(|id| id.0)) as _,
        // Arrays within the array would have to be of one length; as text each has its own.
        column(&contents, |content| content.tracking_categories.as_deref().map(array_text)) as _,
        // As text: of a `Json` sqlx makes a `jsonb`, which would write numbers and order anew.
        column(&contents, |content| content.field_mappings.as_ref().map(|object| object.as_raw().get())) as _,
        column(&payments, |payment| warnings_text(&payment.warnings)) as _,
        column(&claims, |claim| claim.map(|claim| claim.key.as_str())) as _,
        column(&claims, |claim| claim.map(|claim| claim.digest.as_slice())) as _,
        column(&items, |(_, payment, _)| payment.id.0) as _,
        column(&items, |(place, _, _)| place) as _,
        column(&items, |(.., item)| item.name.as_ref().map(Text::as_str)) as _,
        column(&items, |(.., item)| item.value.map(MinorUnits::get)) as _,
        column(&items, |(.., item)| item.kind.as_ref().map(Text::as_str)) as _,
        column(&items, |(.., item)| item.parent_item.as_ref().map(Text::as_str)) as _,
        column(&items, |(.., item)| item.remote_id.as_ref().map(Text::as_str)) as _,
        column(&items, |(.., item)| item.remote_generated_at) as _,
        column(&items, |(.., item)| item.company_info_id.map(|id| id.0)) as _,
        column(&items, |(_, payment, item)| item.created_at.unwrap_or(payment.created_at)) as _,
        column(&items, |(_, payment, item)| item.modified_at.unwrap_or(payment.created_at)) as _,
        column(&items, |(.., item)| item.applied_amount.map(MinorUnits::get)) as _,
        column(&items, |(.., item)| item.applied_date.map(WrittenTime::instant)) as _,
        column(&items, |(.., item)| item.applied_date.map(WrittenTime::offset_minutes)) as _,
        column(&items, |(.., item)| item.related_object_id.map(|id| id.0)) as _,
        column(&items, |(.., item)| item.related_object_type.as_ref().map(Text::as_str)) as _,
    )
    .fetch_one(work)
    .await?;
    Ok(stored.unwrap_or_default())
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
fn array_text(ids: &[RelatedId]) -> String {
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

/// The columns of [`PaymentRow`] of the payments that `$chosen` selects, once for all queries. The line items come with
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

/// Reads the payment that has the claim's key; `None` when another request put it there.
///
/// # Errors
/// When the database fails.
pub async fn find_claimed(scope: &Scope, claim: &Claim) -> Result<Option<Payment>, db::Error> {
    let row = select_payments!(
        ["select *, true as matches, false as is_last_look from payment
          where connection_id = $1 and idempotency_key = $2"] [],
        scope.connection_id().0,
        claim.key.as_str(),
    )
    .fetch_one(&mut scope.begin().await?)
    .await?;
    let is_same = row.request_digest.as_deref() == Some(claim.digest.as_slice());
    let payment = row.into_payment(scope)?;
    Ok(is_same.then_some(payment))
}

/// Reads one payment of the connection.
///
/// # Errors
/// When the database fails.
pub async fn find(scope: &Scope, id: PaymentId) -> Result<Option<Payment>, db::Error> {
    let row = select_payments!(
        ["select *, true as matches, false as is_last_look from payment where connection_id = $1 and id = $2"] [],
        scope.connection_id().0,
        id.0,
    )
    .fetch_optional(&mut scope.begin().await?)
    .await?;
    Ok(row.map(|row| row.into_payment(scope)).transpose()?)
}

/// How many payments a page looks at, whatever passes its filters: so a page costs the same wherever it begins and
/// however many payments there are. Ten thousand rows take some ten milliseconds from memory and, each from a place of
/// its own on a disk, stay within the statement timeout.
pub const MOST_LOOKS: i64 = 10_000;

/// What a look at a list found.
#[derive(Debug)]
pub struct Found {
    /// In the list's order, oldest first.
    pub payments: Vec<Payment>,
    /// Where the list goes on in the direction of reading; `None` at its end.
    pub read_on: Option<Cursor>,
}

/// Reads up to `limit` payments from `cursor` on, the newest before it when it leads backward. Looks at
/// [`MOST_LOOKS`] payments at most; then there may be fewer, and `read_on` leads behind the last that was looked at.
///
/// # Errors
/// When the database fails.
pub async fn page(scope: &Scope, filter: &Filter, cursor: Option<Cursor>, limit: Limit) -> Result<Found, db::Error> {
    let direction = cursor.map_or(Direction::Forward, |cursor| cursor.direction);
    let (mut after, mut before) = filter.places();
    match cursor {
        Some(Cursor { direction: Direction::Forward, id, .. }) => after = after.max(id),
        Some(Cursor { direction: Direction::Backward, id, .. }) => before = before.min(id),
        None => {}
    }
    // One more than asked for tells whether the list goes on.
    let one_more = i64::from(limit.get()) + 1;

    /// Walks along the index on `$key`, which holds the list's order for each of its values, or along the primary key.
    /// Whatever the planner believes of a connection, it cannot walk elsewhere and look at more: the order is asked for
    /// with the key in it, and there is no sorting for lists (`db/connect.rs`).
    macro_rules! walk {
        ($direction:literal: $($key:literal = $value:literal)?) => {
            select_payments!(
                [
                r#"
                select *
                from (
                    select *,
                           ($4::timestamptz is null or created_at > $4)
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
                           and ($16::text is null or idempotency_key = $16) as matches,
                           row_number() over (order by "# $($key $direction ",")? "id" $direction r#") = $17
                           as is_last_look
                    from payment
                    where connection_id = $1 and "# $($key " is not null and")? r#"
                          ("# $($key ",")? "id) > (" $($value ",")? "$2) and
                          (" $($key ",")? "id) < (" $($value ",")? "$3)
                    order by " $($key $direction ",")? "id" $direction r#"
                    limit $17
                ) as looked
                where matches or is_last_look
                order by "# $($key $direction ",")? "id" $direction r#"
                limit $18
                "#]
                ["order by " $($key $direction ",")? "id" $direction],
                scope.connection_id().0,
                after,
                before,
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
                MOST_LOOKS,
                one_more,
            )
        };
    }
    /// In the direction of the cursor.
    macro_rules! walk_along {
        ($work:expr, $($key:tt)*) => {
            match direction {
                Direction::Forward => walk!(" asc ": $($key)*).fetch_all($work).await?,
                Direction::Backward => walk!(" desc ": $($key)*).fetch_all($work).await?,
            }
        };
    }

    let work = &mut scope.begin_list().await?;
    let rows = if filter.idempotency_key.is_some() {
        walk_along!(work, "idempotency_key" = "$16")
    } else if filter.remote_id.is_some() {
        walk_along!(work, "remote_id" = "$15")
    } else if filter.invoice_id.is_some() {
        walk_along!(work, "invoice_id" = "$10")
    } else if filter.contact_id.is_some() {
        walk_along!(work, "contact_id" = "$11")
    } else {
        walk_along!(work,)
    };
    Ok(found(scope, rows, direction, usize::from(limit.get()))?)
}

/// What the rows of a look say, of which one may be more than was asked for.
fn found(scope: &Scope, mut rows: Vec<PaymentRow>, direction: Direction, limit: usize) -> Result<Found, sqlx::Error> {
    let is_full = rows.len() > limit;
    rows.truncate(limit);
    let end = rows.last().filter(|row| is_full || row.is_last_look);
    let read_on = end.map(|row| Cursor { direction, id: row.id, created_at: row.created_at });
    let mut payments = Vec::with_capacity(rows.len());
    for row in rows {
        let matches = row.matches;
        let payment = row.into_payment(scope)?;
        if matches {
            payments.push(payment);
        }
    }
    if direction == Direction::Backward {
        payments.reverse();
    }
    Ok(Found { payments, read_on })
}
