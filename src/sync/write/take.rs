//! Takes a write for its next step: prepares it, where that was not done yet, and asks for a lease.

use std::time::Duration;

use uuid::Uuid;

use super::backoff;
use super::event::{Event, Last};
use super::machine::{self, Next, Write};
use super::preparation;
use super::state::State;
use super::store::{self, Candidate, Decision, Lease, LeaseOutcome, NewLease};
use crate::auth::JobScope;
use crate::connectors::{ExactlyOnce, PreparedWrite, Provider};
use crate::db;
use crate::domain::{PaymentId, WriteKey};
use crate::management::connections::{Software, SoftwareStatus};

/// How long a lease lasts. An attempt that takes longer renews it, so a killed server's writes are taken up soon.
pub(super) const LEASE: Duration = Duration::from_secs(20);
/// How long a write waits for another one of the same invoice.
const INVOICE_BUSY: Duration = Duration::from_secs(1);

/// The next step of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is sent. Before that it is looked up, where it may be in the software already.
    Send {
        /// Whether it is looked up first.
        looks_first: bool,
    },
    /// It is looked up.
    LookUp {
        /// Why it is not sent after that; `None` when it may be.
        last: Option<Last>,
    },
}

/// A write that is this server's for one attempt.
#[derive(Debug)]
pub struct TakenWrite {
    /// What is to be done.
    pub step: Step,
    /// The write during the attempt.
    pub write: Write,
    /// The write before it.
    pub before: Candidate,
    /// The bytes to send.
    pub prepared: PreparedWrite,
    /// The lease.
    pub lease: Lease,
}

/// What became of asking for a write.
#[derive(Debug)]
pub enum Asked {
    /// It is this server's.
    Taken(Box<TakenWrite>),
    /// It needs no attempt: it has ended.
    Ended(PaymentId),
    /// Not this one, perhaps another one.
    NotNow,
    /// None of this connection.
    Busy,
}

/// Asks for a write.
///
/// # Errors
/// When the database fails.
pub async fn ask(
    job: &JobScope,
    software: &Software,
    provider: &'static dyn Provider,
    candidate: Candidate,
) -> Result<Asked, db::Error> {
    let step = step(software, provider, &candidate);
    if software.status != SoftwareStatus::Valid {
        // Only a revoked connection comes here: its software may not even be asked.
        return close(job, &candidate, Event::NoLookUp(Last::Revoked)).await;
    }
    let (key, prepared) = if let Some(prepared) = &candidate.prepared {
        prepared.clone()
    } else {
        let key = WriteKey::new(job.connection_id(), candidate.payment_id, candidate.idempotency_key.as_ref());
        match (preparation::prepare(job, provider, candidate.payment_id, &key).await?, step) {
            (Ok(prepared), _) => (key, prepared),
            (Err(_), Step::LookUp { last: Some(last) }) => {
                return close(job, &candidate, Event::NoLookUp(last)).await;
            }
            (Err(faults), _) => return close(job, &candidate, Event::Refused(faults)).await,
        }
    };
    let event = match step {
        Step::Send { .. } => Event::SendBegins,
        Step::LookUp { .. } => Event::LookUpBegins,
    };
    let Some(next) = next(job, candidate.payment_id, &candidate.write, event) else { return Ok(Asked::NotNow) };
    let capabilities = provider.capabilities();
    let new = NewLease {
        candidate: &candidate,
        state: next.state,
        prepared: (&key, &prepared),
        lease_id: Uuid::from_u128(rand::random()),
        duration: LEASE,
        max_in_flight: capabilities.max_in_flight,
    };
    let mut transaction = job.transaction().await?;
    match store::lease(&mut transaction, &new).await? {
        LeaseOutcome::Taken(lease) => {
            transaction.commit().await?;
            let mut write = Write { state: next.state, attempts: lease.attempt, ..candidate.write.clone() };
            write.expected.invoices = Some(prepared.invoices.clone());
            Ok(Asked::Taken(Box::new(TakenWrite { step, write, before: candidate, prepared, lease })))
        }
        LeaseOutcome::InvoiceBusy => {
            let wait = backoff::jittered(INVOICE_BUSY, &mut rand::rng());
            store::postpone(&mut transaction, &candidate, wait).await?;
            transaction.commit().await?;
            Ok(Asked::NotNow)
        }
        LeaseOutcome::Gone => Ok(Asked::NotNow),
        LeaseOutcome::Busy => Ok(Asked::Busy),
    }
}

/// The next step of a write whose software may be called.
fn step(software: &Software, provider: &dyn Provider, candidate: &Candidate) -> Step {
    let last = match (software.is_revoked, candidate.is_too_old) {
        (true, _) => Some(Last::Revoked),
        (false, true) => Some(Last::TooOld),
        (false, false) => None,
    };
    if candidate.write.state != State::Pending || last.is_some() {
        return Step::LookUp { last };
    }
    let refuses_by_itself = provider.capabilities().exactly_once == ExactlyOnce::UniqueKey;
    Step::Send { looks_first: !refuses_by_itself || candidate.write.was_sent || candidate.is_retried }
}

/// Ends a write without an attempt.
async fn close(job: &JobScope, candidate: &Candidate, event: Event) -> Result<Asked, db::Error> {
    let Candidate { payment_id, write, .. } = candidate;
    let Some(next) = next(job, *payment_id, write, event) else { return Ok(Asked::NotNow) };
    let mut transaction = job.transaction().await?;
    let decision = Decision { payment_id: *payment_id, write, action: "prepare", by: None, next: &next };
    store::decide(&mut transaction, &decision).await?;
    transaction.commit().await?;
    Ok(Asked::Ended(*payment_id))
}

/// What follows from an event, which is possible: otherwise this is our fault, and nothing is done.
pub(super) fn next(job: &JobScope, payment: PaymentId, write: &Write, event: Event) -> Option<Next> {
    machine::next(write, event, &mut rand::rng())
        .inspect_err(|error| {
            let connection = job.connection_id();
            tracing::error!(%connection, %payment, error = error as &dyn std::error::Error, "a write has no next state");
        })
        .ok()
}
