//! Payments are written: one alone, or many at once.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use super::insert_many::insert_many;
use super::insert_one::insert_one;
use super::inserted::Inserted;
use crate::accounting::payments::payment::{PaymentInsert, Stamp};
use crate::auth::Scoped;
use crate::db;

/// Stores payments of any connections with their line items and their claims on idempotency keys: one statement, one
/// round trip, all or nothing. Each row has its stamp at the same place.
///
/// The database stores nothing when its clock is past `not_after` as it receives the statement
/// (`statement_timestamp()`, one time for the whole batch). A statement that a stalled network delivers late therefore
/// has no effect, and a client can learn after a known time whether its payment is stored.
///
/// A twin, a request with the same key on any server, waits at the unique index until the first has committed; its own
/// insert then does nothing. So the rows must be in the order of connection and key: two statements that each hold a key
/// and wait for the other's would deadlock.
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
    match (rows, stamps) {
        ([row], [stamp]) if row.value.data.line_items.len() <= 1 => insert_one(row, *stamp, not_after, statement).await,
        _ => insert_many(rows, stamps, not_after, statement).await,
    }
}
