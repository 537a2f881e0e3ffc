//! Payments that were made in the accounting software are stored as it has them.

use chrono::{DateTime, Utc};

use super::columns::{LineItemColumns, column};
use crate::accounting::payments::software::ImportedPayment;
use crate::auth::JobTransaction;
use crate::db;
use crate::domain::{Currency, ExchangeRate, FreeText, MinorUnits, OffsetTimestamp, PaymentId, RemoteStatus};

/// Stores payments, new ones and those that were stored like this before. One that is as it was keeps its row.
///
/// # Errors
/// When the database fails.
pub async fn import(transaction: &mut JobTransaction, payments: &[ImportedPayment]) -> Result<(), db::Error> {
    let changed: Vec<_> = put(transaction, payments).await?;
    announce(transaction, &changed).await?;
    let changed: Vec<_> = payments.iter().filter(|payment| changed.contains(&payment.stamp.id)).collect();
    put_line_items(transaction, &changed).await
}

/// Announces imported payments as they are now, unless this is the first complete reading of them.
async fn announce(transaction: &mut JobTransaction, payments: &[PaymentId]) -> Result<(), db::Error> {
    sqlx::query!(
        "
        insert into event_outbox (project_id, connection_id, type, objects, state, created_at)
        select $3, connection_id,
               case when created_at = modified_at then 'accounting.payment.created' else 'accounting.payment.updated' end,
               array[id],
               json_build_object('modified_at', modified_at, 'remote_id', remote_id, 'remote_status', remote_status,
                                 'remote_updated_at', remote_updated_at),
               modified_at
        from payment
        where connection_id = $1 and id = any ($2) and exists (
            select 1 from pull_progress
            where connection_id = $1 and resource = 'payment' and last_synced_at is not null
        )
        ",
        transaction.connection_id().0,
        &column(payments, |id| id.0),
        transaction.project_id().0,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// Stores the payments without their line items. Returns which are new or changed.
async fn put(transaction: &mut JobTransaction, payments: &[ImportedPayment]) -> Result<Vec<PaymentId>, db::Error> {
    let ids = sqlx::query_scalar!(
        "
        insert into payment (
            connection_id, id, created_at, modified_at, invoice_id, transaction_date, transaction_offset_minutes,
            contact_id, account_id, currency, exchange_rate, total_amount, type, remote_id, remote_updated_at,
            remote_data, remote_status
        )
        select $1, id, time, time, invoice_id, transaction_date, transaction_offset_minutes, contact_id, account_id,
               currency, exchange_rate, total_amount, type, remote_id, remote_updated_at, remote_data::json,
               remote_status
        from unnest(
            $2::uuid[], $3::timestamptz[], $4::uuid[], $5::timestamptz[], $6::smallint[], $7::uuid[], $8::uuid[], $9::text[], $10::text[],
            $11::bigint[], $12::text[], $13::text[], $14::timestamptz[], $15::text[], $16::text[]
        ) as read (
            id, time, invoice_id, transaction_date, transaction_offset_minutes, contact_id, account_id, currency,
            exchange_rate, total_amount, type, remote_id, remote_updated_at, remote_data, remote_status
        )
        on conflict (connection_id, id) do update
        set modified_at = excluded.modified_at, invoice_id = excluded.invoice_id,
            transaction_date = excluded.transaction_date,
            transaction_offset_minutes = excluded.transaction_offset_minutes, contact_id = excluded.contact_id,
            account_id = excluded.account_id, currency = excluded.currency, exchange_rate = excluded.exchange_rate,
            total_amount = excluded.total_amount, type = excluded.type, remote_id = excluded.remote_id,
            remote_updated_at = excluded.remote_updated_at, remote_data = excluded.remote_data,
            remote_status = excluded.remote_status
        where payment.remote_status <> excluded.remote_status
              or payment.remote_data::text <> excluded.remote_data::text
        returning id
        ",
        transaction.connection_id().0,
        &column(payments, |new| new.stamp.id.0),
        &column(payments, |new| new.stamp.time),
        column(payments, |new| new.data.invoice_id.map(|id| id.0)) as _,
        column(payments, |new| new.data.transaction_date.map(OffsetTimestamp::instant)) as _,
        column(payments, |new| new.data.transaction_date.map(OffsetTimestamp::offset_minutes)) as _,
        column(payments, |new| new.data.contact_id.map(|id| id.0)) as _,
        column(payments, |new| new.data.account_id.map(|id| id.0)) as _,
        column(payments, |new| new.data.currency.map(Currency::code)) as _,
        column(payments, |new| new.data.exchange_rate.as_ref().map(ExchangeRate::as_str)) as _,
        column(payments, |new| new.data.total_amount.map(MinorUnits::get)) as _,
        column(payments, |new| new.data.kind.as_ref().map(FreeText::as_str)) as _,
        column(payments, |new| new.remote_id.as_str()) as _,
        column(payments, |new| new.remote_updated_at) as _,
        column(payments, |new| new.remote_data.get()) as _,
        column(payments, |new| new.remote_status.as_str()) as _,
    )
    .fetch_all(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(ids.into_iter().map(PaymentId).collect())
}

/// Puts the line items of payments in the place of those that they had.
async fn put_line_items(transaction: &mut JobTransaction, payments: &[&ImportedPayment]) -> Result<(), db::Error> {
    sqlx::query!(
        "delete from payment_line_item where connection_id = $1 and payment_id = any ($2)",
        transaction.connection_id().0,
        &column(payments, |payment| payment.stamp.id.0),
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    let items = payments.iter().flat_map(|new| LineItemColumns::of_items(&new.data.line_items, new.stamp));
    let items: Vec<_> = items.collect();
    sqlx::query!(
        "
        insert into payment_line_item (
            connection_id, payment_id, position, created_at, modified_at, applied_amount, applied_date,
            applied_offset_minutes, related_object_id, related_object_type
        )
        select $1, payment_id, position, created_at, modified_at, applied_amount, applied_date, applied_offset_minutes,
               related_object_id, related_object_type
        from unnest($2::uuid[], $3::integer[], $4::timestamptz[], $5::timestamptz[], $6::bigint[], $7::timestamptz[],
                    $8::smallint[], $9::uuid[], $10::text[])
             as item (payment_id, position, created_at, modified_at, applied_amount, applied_date, applied_offset_minutes, related_object_id,
                      related_object_type)
        ",
        transaction.connection_id().0,
        &column(&items, |item| item.payment_id),
        column(&items, |item| item.position) as _,
        column(&items, |item| item.created_at) as _,
        column(&items, |item| item.modified_at) as _,
        column(&items, |item| item.applied_amount) as _,
        column(&items, |item| item.applied_date) as _,
        column(&items, |item| item.applied_offset_minutes) as _,
        column(&items, |item| item.related_object_id) as _,
        column(&items, |item| item.related_object_type) as _,
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// The software has these payments no more.
///
/// # Errors
/// When the database fails.
pub async fn void_imported(
    transaction: &mut JobTransaction,
    now: DateTime<Utc>,
    payments: &[PaymentId],
) -> Result<(), db::Error> {
    let changed = sqlx::query_scalar!(
        "
        update payment set remote_status = $3, modified_at = $4
        where connection_id = $1 and id = any ($2) and remote_status <> $3
        returning id
        ",
        transaction.connection_id().0,
        &column(payments, |id| id.0),
        RemoteStatus::Voided.as_str(),
        now,
    )
    .fetch_all(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    announce(transaction, &changed.into_iter().map(PaymentId).collect::<Vec<_>>()).await
}
