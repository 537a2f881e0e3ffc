//! Stores many payments directly in the database, because requests would be slower.

use chrono::{DateTime, Utc};
use sqlx::Connection;

use super::app::{App, Tenant};

/// The microsecond at which payment 0 of [`payments`] was created: 2024-01-01T00:00:00Z. The next is 700 µs later.
const FIRST: i64 = 1_704_067_200_000_000;

/// The time at which payment `n` of [`payments`] was created.
pub fn created_at(n: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(FIRST + n * 700).expect("in range")
}

/// Stores payments 1 to `count`, with ids as the server makes them.
///
/// * Payments in `rare` have currency JPY, type `Rare` and account …02. The others have EUR, `Common` and account …01.
/// * Every second payment has contact …01, every thousandth has contact …02. Each invoice has two payments.
/// * Those in `rare` were rejected by connected software. The others are applied, or have none, in turn.
/// * Each payment has the idempotency key `key-<number>` and one line item.
pub async fn payments(app: &App, tenant: &Tenant, count: i64, rare: &[i64]) {
    let mut session = app.connect().await;
    let mut transaction = session.begin().await.expect("a transaction");
    sqlx::query("set local statement_timeout = '60s'").execute(&mut *transaction).await.expect("more time");
    // Foreign keys are not checked, which is faster.
    sqlx::query("set local session_replication_role = replica").execute(&mut *transaction).await.expect("a superuser");
    sqlx::query(
        "with stored as (
             insert into payment (connection_id, id, created_at, modified_at, transaction_date,
                                  transaction_offset_minutes, invoice_id, contact_id, account_id, currency, type,
                                  remote_id, remote_status, idempotency_key, request_digest)
             select $1,
                    (lpad(to_hex(micros / 1000), 12, '0') || '7' || lpad(to_hex(micros % 1000 * 4096 / 1000), 3, '0')
                     || '8' || left(md5(n::text), 15))::uuid,
                    at, at, at, 0, lpad((n / 2)::text, 32, '0')::uuid,
                    case when n % 1000 = 0 then lpad('2', 32, '0') when n % 2 = 0 then lpad('1', 32, '0') end::uuid,
                    lpad(case when is_rare then '2' else '1' end, 32, '0')::uuid,
                    case when is_rare then 'JPY' else 'EUR' end, case when is_rare then 'Rare' else 'Common' end,
                    case when n % 10 = 0 then 'remote-' || n end,
                    case when is_rare then 'rejected' when n % 2 = 1 then 'applied' end, 'key-' || n, sha256('')
             from generate_series(1::bigint, $2) n,
                  lateral (select n = any($3) as is_rare, $4 + n * 700 as micros) of_number,
                  lateral (select timestamptz 'epoch' + micros * interval '1 microsecond' as at) of_micros
             returning connection_id, id, created_at
         )
         insert into payment_line_item (connection_id, payment_id, position, name, created_at, modified_at)
         select connection_id, id, 0, 'Line', created_at, created_at from stored",
    )
    .bind(tenant.connection_id.0)
    .bind(count)
    .bind(rare)
    .bind(FIRST)
    .execute(&mut *transaction)
    .await
    .expect("filled");
    transaction.commit().await.expect("committed");
}
