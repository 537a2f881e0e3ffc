//! A payment of ours, as a pull sees it in the software.

use super::event::Event;
use super::machine::{self, Impossible};
use super::store::{self, Decision};
use crate::auth::JobScope;
use crate::connectors::RemotePayment;
use crate::db;
use crate::domain::PaymentId;

/// What a pull does with a payment of ours that it has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// All is stored: it is looked at again when it changes.
    Settled,
    /// Its write is still under way, and may end after what was seen: it is looked at again.
    Open,
}

/// Records how the software has a payment that was written: as it was, changed, cancelled, or in force again. A write
/// that has not ended is left alone.
///
/// # Errors
/// When the database fails.
pub async fn record_seen(job: &JobScope, payment: PaymentId, found: RemotePayment) -> Result<Seen, db::Error> {
    if is_as_stored(job, payment, &found).await? {
        return Ok(Seen::Settled);
    }
    record(job, payment, Event::Seen(Box::new(found))).await
}

/// Records that the software has a payment no more.
///
/// # Errors
/// When the database fails.
pub async fn record_gone(job: &JobScope, payment: PaymentId) -> Result<Seen, db::Error> {
    record(job, payment, Event::Gone).await
}

/// Whether it is applied or voided here, as it is there, and was not changed there since. Records that were read by
/// different calls may differ in form, so that the time of change decides, where the software has one.
async fn is_as_stored(job: &JobScope, payment: PaymentId, found: &RemotePayment) -> Result<bool, db::Error> {
    let Some(stored) = store::seen_before(job, payment).await? else { return Ok(false) };
    let is_as_stored = match (stored.changed_at, found.remote_updated_at) {
        (Some(before), Some(now)) => before == now,
        (before, now) => before == now && stored.record.as_deref().is_some_and(|data| data == found.data.get()),
    };
    Ok(is_as_stored && stored.status == found.status())
}

async fn record(job: &JobScope, payment: PaymentId, event: Event) -> Result<Seen, db::Error> {
    let Some(row) = store::read(job, payment).await? else { return Ok(Seen::Settled) };
    let next = match machine::next(&row.write, event, &mut rand::rng()) {
        Ok(next) => next,
        Err(Impossible::Final(_)) => return Ok(Seen::Settled),
        Err(_) => return Ok(Seen::Open),
    };
    let decision = Decision { payment_id: payment, write: &row.write, action: "look_up", by: None, next: &next };
    let mut transaction = job.transaction().await?;
    let is_stored = store::decide(&mut transaction, &decision).await?;
    transaction.commit().await?;
    Ok(if is_stored { Seen::Settled } else { Seen::Open })
}
