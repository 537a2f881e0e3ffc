//! FieldErrors that were made on purpose, to show that `make chaos` finds such: only in builds with the feature `broken`,
//! which are made for `make chaos-proof` and never in release. `UNIBOOKS_BROKEN` says which.

use sqlx::{Connection, PgConnection};

use chrono::{DateTime, Utc};

use super::group_commit::PendingWrite;
use crate::accounting::payments::payment::Stamp;
use crate::accounting::payments::store;
use crate::auth::Scoped;
use crate::db::{self, WriterSession};

#[cfg(not(debug_assertions))]
compile_error!("the feature `broken` loses payments on purpose: it is for `make chaos-proof`, never for a release");

/// Whether this process is to be broken.
pub(super) fn is_on() -> bool {
    std::env::var_os("UNIBOOKS_BROKEN").is_some()
}

/// Writes a batch the wrong way. `false` when the connection is of no further use.
pub(super) async fn write(batch: Vec<PendingWrite>, connection: &mut WriterSession, now: DateTime<Utc>) -> bool {
    let stamps = Stamp::series(now, batch.len());
    let connection = connection.session();
    let written = match std::env::var("UNIBOOKS_BROKEN").as_deref() {
        Ok("answer_before_commit") => answer_before_commit(batch, &stamps, connection).await,
        Ok("key_outside_transaction") => key_outside_transaction(batch, &stamps, connection).await,
        other => panic!("no such fault: {other:?}"),
    };
    written.is_ok()
}

/// Whoever is killed between the answer and the commit has lost what was acknowledged.
async fn answer_before_commit(
    batch: Vec<PendingWrite>,
    stamps: &[Stamp],
    connection: &mut PgConnection,
) -> Result<(), db::Error> {
    let mut transaction = connection.begin().await?;
    let rows: Vec<_> = batch.iter().map(|call| &call.row).collect();
    let ids = match store::insert(&rows, stamps, DateTime::<Utc>::MAX_UTC, &mut *transaction).await {
        Ok(inserted) => inserted.ids,
        Err(error) => {
            for call in batch {
                call.fail(&error);
            }
            return Err(error);
        }
    };
    let calls = batch.into_iter().zip(stamps);
    let (stored, taken): (Vec<_>, Vec<_>) = calls.partition(|(_, stamp)| ids.contains(&stamp.id.0));
    for (call, stamp) in stored {
        call.answer(true, *stamp);
    }
    transaction.commit().await?;
    for (call, stamp) in taken {
        call.answer(false, *stamp);
    }
    Ok(())
}

/// Whoever is killed between the payment and its key stores the payment again.
async fn key_outside_transaction(
    batch: Vec<PendingWrite>,
    stamps: &[Stamp],
    connection: &mut PgConnection,
) -> Result<(), db::Error> {
    for (mut call, stamp) in batch.into_iter().zip(stamps) {
        let claim = call.row.value.claim.take();
        let written = write_in_two_steps(&call.row, *stamp, claim.as_ref(), connection).await;
        call.row.value.claim = claim;
        match written {
            Ok(stored) => call.answer(stored, *stamp),
            Err(error) => call.fail(&error),
        }
    }
    Ok(())
}

async fn write_in_two_steps(
    row: &Scoped<crate::accounting::payments::payment::PaymentInsert>,
    stamp: Stamp,
    claim: Option<&crate::accounting::payments::payment::IdempotencyClaim>,
    connection: &mut PgConnection,
) -> Result<bool, db::Error> {
    let Some(claim) = claim else {
        return Ok(!store::insert(&[row], &[stamp], DateTime::<Utc>::MAX_UTC, &mut *connection).await?.ids.is_empty());
    };
    let tenant = row.scope.connection_id().0;
    let taken = sqlx::query("select from payment where connection_id = $1 and idempotency_key = $2")
        .bind(tenant)
        .bind(claim.key.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    if taken.is_some() {
        return Ok(false);
    }
    let ids = store::insert(&[row], &[stamp], DateTime::<Utc>::MAX_UTC, &mut *connection).await?.ids;
    sqlx::query(
        "update payment set idempotency_key = $3, request_digest = $4 where connection_id = $1 and id = any($2)",
    )
    .bind(tenant)
    .bind(ids)
    .bind(claim.key.as_str())
    .bind(claim.digest)
    .execute(connection)
    .await?;
    Ok(true)
}
