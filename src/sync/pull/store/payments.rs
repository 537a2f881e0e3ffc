//! Which payments of the software are which of ours.

use std::collections::HashMap;

use super::Range;
use crate::auth::{JobScope, JobTransaction};
use crate::connectors::RemotePayment;
use crate::db;
use crate::domain::{PaymentId, RemoteId, WriteKey};

/// A payment of the software that was read before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPayment {
    /// Ours.
    pub id: PaymentId,
    /// The software's stamp when it was last read.
    pub stamp: String,
    /// Whether it was gone.
    pub remote_was_deleted: bool,
    /// Whether this server writes it. Otherwise it was imported.
    pub is_written: bool,
    /// Of an imported one, the payment that this server now writes under the same key. It had been lost: the database was
    /// restored, and its client sent it again.
    pub written: Option<PaymentId>,
}

/// A payment of the software that is one of ours.
#[derive(Debug)]
pub struct Link {
    /// The place of its key, which names it for ever.
    pub position: String,
    /// The software's id.
    pub remote_id: RemoteId,
    /// The key under which it was written.
    pub write_key: Option<WriteKey>,
    /// Ours.
    pub id: PaymentId,
    /// The software's stamp; empty when it must be read again in any case.
    pub stamp: String,
}

/// Reads what is stored of the payments at these positions.
///
/// # Errors
/// When the database fails.
pub async fn known_payments(job: &JobScope, positions: &[String]) -> Result<HashMap<String, KnownPayment>, db::Error> {
    let statement = job.statement().await?;
    let rows = sqlx::query!(
        r#"
        select position, payment_id, stamp, remote_was_deleted,
               exists (
                   select from remote_write
                   where connection_id = $1 and remote_write.payment_id = remote_payment.payment_id
               ) as "is_written!",
               (
                   select remote_write.payment_id from remote_write
                   where connection_id = $1 and remote_write.write_key = remote_payment.write_key and not exists (
                       select from remote_payment
                       where connection_id = $1 and remote_payment.payment_id = remote_write.payment_id
                   )
               ) as written
        from remote_payment
        where connection_id = $1 and position = any ($2)
        "#,
        job.connection_id().0,
        positions,
    )
    .fetch_all(statement)
    .await?;
    let known = rows.into_iter().map(|row| {
        let known = KnownPayment {
            id: PaymentId(row.payment_id),
            stamp: row.stamp,
            remote_was_deleted: row.remote_was_deleted,
            is_written: row.is_written,
            written: row.written.map(PaymentId).filter(|_| !row.is_written),
        };
        (row.position, known)
    });
    Ok(known.collect())
}

/// Finds the payments that this server writes among some of the software that are not known yet: by their keys, or, where
/// somebody has changed those, by their ids there. Returns ours by the ids of the software.
///
/// # Errors
/// When the database fails.
pub async fn written(job: &JobScope, found: &[RemotePayment]) -> Result<HashMap<RemoteId, PaymentId>, db::Error> {
    let keys: Vec<_> = found.iter().filter_map(|payment| Some(payment.key.as_ref()?.as_str().to_owned())).collect();
    let statement = job.statement().await?;
    let by_key = sqlx::query!(
        r#"
        select write_key as "write_key!", payment_id from remote_write
        where connection_id = $1 and write_key = any ($2) and not exists (
            select from remote_payment
            where connection_id = $1 and remote_payment.payment_id = remote_write.payment_id
        )
        "#,
        job.connection_id().0,
        &keys,
    )
    .fetch_all(statement)
    .await?;
    let by_key: HashMap<_, _> = by_key.into_iter().map(|row| (row.write_key, PaymentId(row.payment_id))).collect();
    let ids: Vec<_> = found.iter().map(|payment| payment.remote_id.as_str().to_owned()).collect();
    let statement = job.statement().await?;
    let by_id = sqlx::query!(
        r#"
        select remote_id as "remote_id!", id from payment
        where connection_id = $1 and remote_id = any ($2) and exists (
            select from remote_write where connection_id = $1 and remote_write.payment_id = payment.id
        ) and not exists (
            select from remote_payment where connection_id = $1 and remote_payment.payment_id = payment.id
        )
        "#,
        job.connection_id().0,
        &ids,
    )
    .fetch_all(statement)
    .await?;
    let by_id: HashMap<_, _> = by_id.into_iter().map(|row| (row.remote_id, PaymentId(row.id))).collect();
    let mut ours = HashMap::new();
    // The one that has the id too comes first: somebody may have made a copy with the same key.
    for id_decides in [true, false] {
        for payment in found {
            let (of_key, of_id) =
                (payment.key.as_ref().and_then(|key| by_key.get(key.as_str())), by_id.get(payment.remote_id.as_str()));
            let id = if id_decides { of_id.filter(|_| of_key.is_none() || of_key == of_id) } else { of_key };
            if let Some(id) = id.filter(|id| !ours.values().any(|taken| taken == *id)) {
                ours.entry(payment.remote_id.clone()).or_insert(*id);
            }
        }
    }
    Ok(ours)
}

/// Stores which payment of ours each is.
///
/// # Errors
/// When the database fails.
pub async fn link(transaction: &mut JobTransaction, links: &[Link]) -> Result<(), db::Error> {
    sqlx::query!(
        "
        insert into remote_payment (connection_id, position, remote_id, write_key, payment_id, stamp, remote_was_deleted)
        select $1, position, remote_id, write_key, payment_id, stamp, false
        from unnest($2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[])
             as read (position, remote_id, write_key, payment_id, stamp)
        on conflict (connection_id, position) do update
        set remote_id = excluded.remote_id, write_key = excluded.write_key, payment_id = excluded.payment_id,
            stamp = excluded.stamp, remote_was_deleted = false
        ",
        transaction.connection_id().0,
        &links.iter().map(|link| link.position.clone()).collect::<Vec<_>>(),
        &links.iter().map(|link| link.remote_id.as_str().to_owned()).collect::<Vec<_>>(),
        &links.iter().map(|link| link.write_key.as_ref().map(WriteKey::as_str)).collect::<Vec<_>>() as _,
        &links.iter().map(|link| link.id.0).collect::<Vec<_>>(),
        &links.iter().map(|link| link.stamp.clone()).collect::<Vec<_>>(),
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}

/// A payment that was in the software and is there no more.
#[derive(Debug)]
pub struct GonePayment {
    /// The place of its key.
    pub position: String,
    /// Ours.
    pub id: PaymentId,
    /// Whether this server wrote it.
    pub is_written: bool,
}

/// Finds the payments whose positions are in `range` and not among those that are `present`, at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn gone_payments(
    job: &JobScope,
    range: Range<'_>,
    present: &[String],
    limit: u16,
) -> Result<Vec<GonePayment>, db::Error> {
    let statement = job.statement().await?;
    let rows = sqlx::query!(
        r#"
        select position, payment_id,
               exists (
                   select from remote_write
                   where connection_id = $1 and remote_write.payment_id = remote_payment.payment_id
               ) as "is_written!"
        from remote_payment
        where connection_id = $1 and ($2::text is null or position > $2) and ($3::text is null or position <= $3)
              and not remote_was_deleted and position <> all ($4)
        order by position
        limit $5
        "#,
        job.connection_id().0,
        range.after,
        range.until,
        present,
        i64::from(limit),
    )
    .fetch_all(statement)
    .await?;
    let gone = rows.into_iter().map(|row| GonePayment {
        position: row.position,
        id: PaymentId(row.payment_id),
        is_written: row.is_written,
    });
    Ok(gone.collect())
}

/// Marks payments as gone.
///
/// # Errors
/// When the database fails.
pub async fn mark_payments_gone(transaction: &mut JobTransaction, gone: &[GonePayment]) -> Result<(), db::Error> {
    sqlx::query!(
        "update remote_payment set remote_was_deleted = true where connection_id = $1 and position = any ($2)",
        transaction.connection_id().0,
        &gone.iter().map(|gone| gone.position.clone()).collect::<Vec<_>>(),
    )
    .execute(transaction.executor())
    .await
    .map_err(db::Error::of_write)?;
    Ok(())
}
