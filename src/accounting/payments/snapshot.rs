//! Payments as they were at the time of an event.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::payment::Payment;
use super::store;
use super::view::PaymentView;
use crate::auth::Scope;
use crate::db;
use crate::domain::{PaymentId, RemoteStatus};

/// What changes of a payment: an event keeps it, and everything else is as it was created.
#[derive(Debug, Deserialize)]
struct State {
    modified_at: DateTime<Utc>,
    remote_id: Option<String>,
    remote_updated_at: Option<DateTime<Utc>>,
    remote_status: RemoteStatus,
}

/// How many payments are in memory at a time.
const STEP: usize = 16;

/// The JSON that the read call would have answered for each payment when its event happened: with its `state`, or without
/// one as it was created. A payment that does not exist has none.
///
/// # Errors
/// When the database fails.
pub async fn snapshots(
    scope: &Scope,
    wanted: &[(PaymentId, Option<&RawValue>)],
) -> Result<Vec<Option<String>>, db::Error> {
    let mut texts = Vec::with_capacity(wanted.len());
    for step in wanted.chunks(STEP) {
        let ids: Vec<_> = step.iter().map(|(id, _)| *id).collect();
        let found = store::find_many(scope, &ids).await?;
        let found: HashMap<_, _> = found.iter().map(|payment| (payment.id, payment)).collect();
        for (id, state) in step {
            texts.push(found.get(id).map(|payment| text(payment, *state)).transpose()?);
        }
    }
    Ok(texts)
}

fn text(payment: &Payment, state: Option<&RawValue>) -> Result<String, db::Error> {
    let corrupt = |error: serde_json::Error| db::Error::from(sqlx::Error::Decode(error.into()));
    let mut then = payment.clone();
    if let Some(state) = state {
        let state: State = serde_json::from_str(state.get()).map_err(corrupt)?;
        then.modified_at = state.modified_at;
        then.remote_id = state.remote_id;
        then.remote_updated_at = state.remote_updated_at;
        then.remote_status = state.remote_status;
    } else {
        then.modified_at = then.created_at;
        then.remote_id = None;
        then.remote_updated_at = None;
        if then.remote_status != RemoteStatus::None {
            then.remote_status = RemoteStatus::Pending;
        }
    }
    serde_json::to_string(&PaymentView::of(&then, false)).map_err(corrupt)
}
