//! Calls whose idempotency keys are taken are answered with the payments that have them.
//!
//! Those of a batch are read together, one statement for each connection. It is another statement than the insert: a
//! payment that was committed while the insert waited for it is visible only to a later one. The writer does not wait for
//! it and goes on with the next batch.

use super::queue::PendingWrite;
use crate::accounting::payments::payment::IdempotencyClaim;
use crate::accounting::payments::store;

/// Answers these calls, which are in the order of their connections, in tasks of their own.
pub(super) fn answer(mut calls: Vec<PendingWrite>) {
    calls.retain(|call| !call.is_abandoned());
    while let Some(first) = calls.first() {
        let connection = first.row.scope.connection_id();
        let others = calls.split_off(calls.partition_point(|call| call.row.scope.connection_id() == connection));
        tokio::spawn(answer_connection(std::mem::replace(&mut calls, others)));
    }
}

/// Answers the calls of one connection.
async fn answer_connection(calls: Vec<PendingWrite>) {
    let Some(first) = calls.first() else { return };
    let claims: Option<Vec<&IdempotencyClaim>> = calls.iter().map(|call| call.row.value.claim.as_ref()).collect();
    let found = match claims {
        Some(claims) => store::find_claimed(&first.row.scope, &claims).await,
        // A payment without a key is always stored.
        None => Err(sqlx::Error::RowNotFound.into()),
    };
    match found {
        Ok(payments) => calls.into_iter().zip(payments).for_each(|(call, payment)| call.key_taken(payment)),
        Err(error) => calls.into_iter().for_each(|call| call.fail(&error)),
    }
}
