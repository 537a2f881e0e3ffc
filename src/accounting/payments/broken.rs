//! Faults that were made on purpose, to show that `make chaos` finds such: only in builds with the feature `broken`,
//! which are made for `make chaos-proof` and never in release. `UNIBOOKS_BROKEN` says which.

use sqlx::{Connection, PgConnection};

use super::group_commit::Waiting;
use super::store;
use crate::auth::Scoped;
use crate::db::{self, KeptConnection};

#[cfg(not(debug_assertions))]
compile_error!("the feature `broken` loses payments on purpose: it is for `make chaos-proof`, never for a release");

/// Whether this process is to be broken.
pub(super) fn is_on() -> bool {
    std::env::var_os("UNIBOOKS_BROKEN").is_some()
}

/// Writes a batch the wrong way. `false` when the connection is of no further use.
pub(super) async fn write(batch: Vec<Waiting>, connection: &mut KeptConnection) -> bool {
    let connection = connection.session();
    let written = match std::env::var("UNIBOOKS_BROKEN").as_deref() {
        Ok("answer_before_commit") => answer_before_commit(batch, connection).await,
        Ok("key_outside_transaction") => key_outside_transaction(batch, connection).await,
        other => panic!("no such fault: {other:?}"),
    };
    written.is_ok()
}

/// Whoever is killed between the answer and the commit has lost what was acknowledged.
async fn answer_before_commit(batch: Vec<Waiting>, connection: &mut PgConnection) -> Result<(), db::Error> {
    let mut transaction = connection.begin().await?;
    let rows: Vec<_> = batch.iter().map(|call| &call.row).collect();
    let ids = match store::insert(&rows, &mut *transaction).await {
        Ok(ids) => ids,
        Err(error) => {
            for call in batch {
                call.fail(&error);
            }
            return Err(error);
        }
    };
    let (stored, taken): (Vec<_>, Vec<_>) =
        batch.into_iter().partition(|call| ids.contains(&call.row.value.payment.id.0));
    for call in stored {
        call.answer(true);
    }
    transaction.commit().await?;
    for call in taken {
        call.answer(false);
    }
    Ok(())
}

/// Whoever is killed between the payment and its key stores the payment again.
async fn key_outside_transaction(batch: Vec<Waiting>, connection: &mut PgConnection) -> Result<(), db::Error> {
    for mut call in batch {
        let claim = call.row.value.claim.take();
        let written = write_in_two_steps(&call.row, claim.as_ref(), connection).await;
        call.row.value.claim = claim;
        match written {
            Ok(stored) => call.answer(stored),
            Err(error) => call.fail(&error),
        }
    }
    Ok(())
}

async fn write_in_two_steps(
    row: &Scoped<store::NewRow>,
    claim: Option<&super::payment::Claim>,
    connection: &mut PgConnection,
) -> Result<bool, db::Error> {
    let Some(claim) = claim else {
        return Ok(!store::insert(&[row], &mut *connection).await?.is_empty());
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
    let ids = store::insert(&[row], &mut *connection).await?;
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
