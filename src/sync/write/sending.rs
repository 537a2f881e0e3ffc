//! Does the attempt of a write that was taken, and stores how it ended.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use tokio::time::{Instant, timeout};

use super::attempt::{self, Deadlines, Ended};
use super::backoff;
use super::event::Event;
use super::machine::Next;
use super::outcome::Health;
use super::state::State;
use super::store::{self, Ending, Lease};
use super::take::{LEASE, Step, TakenWrite, next};
use super::waiting::Waiting;
use crate::auth::JobScope;
use crate::connectors::{Connector, Provider};
use crate::domain::RemoteId;
use crate::management::connections::{Record, Software, record_health};
use crate::sync::pull::refresh_invoices;

/// Counts attempts by software, kind and the state after it.
pub(super) const ATTEMPTS: &str = "unibooks_remote_attempts_total";
/// The time between two attempts to store an outcome while the database is away.
const STORE_AGAIN: Duration = Duration::from_millis(500);
/// How often an outcome is tried to be stored. After that the lease ends, and a look-up finds the outcome again.
const STORE_TIMES: u32 = 10;

/// A write that was taken, and the way to its software.
#[derive(Debug)]
pub struct Sending {
    /// The connection.
    pub job: JobScope,
    /// Its software, as it was when the write was taken.
    pub software: Software,
    /// Its kind.
    pub provider: &'static dyn Provider,
    /// The way to it.
    pub connector: Arc<dyn Connector>,
    /// The write.
    pub taken: TakenWrite,
}

/// Does it. Returns what it has shown of the connection.
pub async fn run(sending: Sending, waiting: Waiting) -> Health {
    let Sending { job, software, provider, connector, taken } = &sending;
    let deadlines = Deadlines::from(Instant::now(), provider.capabilities().timeout);
    let attempt = async {
        match taken.step {
            Step::Send { looks_first } => attempt::send(&**connector, &taken.prepared, looks_first, deadlines).await,
            Step::LookUp { last } => attempt::look_up(&**connector, &taken.prepared, last, deadlines).await,
        }
    };
    let Ended { event, health } = tokio::select! {
        ended = attempt => ended,
        never = renew(job, &taken.lease) => match never {},
    };
    let sent_nothing = matches!(event, Event::NotApplied { .. });
    let payment = taken.lease.payment_id;
    let mut is_applied = false;
    if let Some(next) = next(job, payment, &taken.write, event) {
        log(job, taken, &next);
        is_applied = next.state == State::Applied;
        let action = if matches!(taken.step, Step::Send { .. }) { "send" } else { "look_up" };
        // The labels are names of this program, so there are few.
        counter!(ATTEMPTS, "provider" => provider.slug(), "action" => action, "outcome" => next.state.as_str())
            .increment(1);
        let ending = Ending { lease: &taken.lease, next: &next, sent_before: taken.before.sent_at, sent_nothing };
        store_end(job, &ending).await;
    }
    record(job, software, &health).await;
    waiting.notify(job.connection_id(), payment);
    if is_applied {
        refresh(job, &**connector, &taken.prepared.invoices, provider.capabilities().timeout).await;
    }
    health
}

/// The balances of the invoices move with the payment, after the caller has its answer.
async fn refresh(job: &JobScope, connector: &dyn Connector, invoices: &[RemoteId], limit: Duration) {
    let connection = job.connection_id();
    match timeout(limit, refresh_invoices(job, connector, invoices)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::debug!(%connection, error = &error as &dyn std::error::Error, "invoices were not read; they will be");
        }
        Err(_) => tracing::debug!(%connection, "invoices were not read in time; they will be"),
    }
}

/// Renews the lease as long as the attempt takes. Where it cannot, another server looks the payment up meanwhile, which
/// does no harm: what this attempt writes after that look-up makes the other one's creation fail.
async fn renew(job: &JobScope, lease: &Lease) -> Infallible {
    let mut interval = tokio::time::interval_at(Instant::now() + LEASE / 3, LEASE / 3);
    loop {
        interval.tick().await;
        if let Err(error) = store::renew(job, lease, LEASE).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "a lease was not renewed");
        }
    }
}

/// Stores the outcome, also when the database is away for a moment.
async fn store_end(job: &JobScope, ending: &Ending<'_>) {
    for time in 1.. {
        match store::end(job, ending).await {
            // When the lease was lost, the next holder looks the payment up: nothing is lost with our answer.
            Ok(_) => return,
            Err(error) if time < STORE_TIMES => {
                tracing::debug!(error = &error as &dyn std::error::Error, "an outcome was not stored; it will be");
                tokio::time::sleep(STORE_AGAIN).await;
            }
            Err(error) => {
                let (connection, payment) = (job.connection_id(), ending.lease.payment_id);
                let error = &error as &dyn std::error::Error;
                tracing::warn!(%connection, %payment, error, "an outcome was not stored: the payment will be looked up");
                return;
            }
        }
    }
}

/// A change of the connection's health is logged once: when the first call fails, and when one succeeds again.
pub async fn record(job: &JobScope, software: &Software, health: &Health) {
    let connection = job.connection_id();
    let record = match health {
        Health::Good if software.failures == 0 => return,
        Health::Good => {
            tracing::info!(%connection, "the accounting software answers again");
            Record::Good
        }
        Health::Bad => {
            if software.failures == 0 {
                tracing::warn!(%connection, provider = software.provider, "the accounting software fails; its payments wait");
            }
            Record::Bad(backoff::after(software.failures + 1, &mut rand::rng()))
        }
        Health::Wait(pause) => {
            tracing::warn!(%connection, seconds = pause.as_secs(), "the accounting software asks for a pause");
            Record::Wait(*pause)
        }
        Health::NeedsReauth(code, detail) => {
            tracing::warn!(
                %connection, code, detail,
                "the connection needs other credentials; its payments wait: `connection update`"
            );
            Record::NeedsReauth(code, detail)
        }
    };
    if let Err(error) = record_health(job, software, record).await {
        tracing::warn!(%connection, error = &error as &dyn std::error::Error, "the state of a connection was not stored");
    }
}

fn log(job: &JobScope, taken: &TakenWrite, next: &Next) {
    let (connection, payment) = (job.connection_id(), taken.lease.payment_id);
    let code = next.faults.first().map(|fault| fault.code.as_str());
    match next.state {
        State::NeedsAttention => {
            tracing::warn!(%connection, %payment, code, "a payment needs attention: see `payment list`");
        }
        state => {
            tracing::debug!(%connection, %payment, attempt = taken.lease.attempt, state = state.as_str(), code, "attempt");
        }
    }
}
