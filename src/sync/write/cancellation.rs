//! A payment that was cancelled in the software.

use super::event::Event;
use super::machine;
use super::store::{self, Decision};
use crate::auth::JobScope;
use crate::connectors::RemotePayment;
use crate::db;
use crate::domain::PaymentId;

/// Records that a payment which the software had was cancelled there. Returns whether that is news: nothing changes for
/// a payment that was not applied.
///
/// # Errors
/// When the database fails.
pub async fn record_voided(job: &JobScope, payment: PaymentId, found: RemotePayment) -> Result<bool, db::Error> {
    let Some(row) = store::read(job, payment).await? else { return Ok(false) };
    let Ok(next) = machine::next(&row.write, Event::Voided(Box::new(found)), &mut rand::rng()) else {
        return Ok(false);
    };
    let decision = Decision { payment_id: payment, write: &row.write, action: "look_up", by: None, next: &next };
    let mut transaction = job.transaction().await?;
    let is_stored = store::decide(&mut transaction, &decision).await?;
    transaction.commit().await?;
    Ok(is_stored)
}
