//! Create calls that wait for the software.
//!
//! The payment is committed by now, so nothing that happens here changes its status: a panic, a failure of the database
//! and the end of the server leave the answer at what was true after the commit, `pending`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::Writes;
use super::loader::Loader;
use crate::accounting::payments::payment::Payment;
use crate::accounting::payments::store;
use crate::auth::Scope;
use crate::connectors::Fault;
use crate::db;
use crate::domain::{ConnectionId, PaymentId, RemoteStatus};
use crate::http::request::Hold;

/// How long a call waits when its client says nothing of it.
const DEFAULT_WAIT: Duration = Duration::from_secs(10);
/// How long the payment may take to be read after the wait. It is shorter than what is kept of the request's time.
const READ_TIMEOUT: Duration = Duration::from_millis(500);

/// What became of a payment by now.
#[derive(Debug)]
pub struct Settled {
    /// As it is now.
    pub payment: Payment,
    /// Why the software refused it, if it did.
    pub rejection: Option<Vec<Fault>>,
}

impl Settled {
    /// The payment as it was stored, where nothing is known of it yet.
    #[must_use]
    pub fn unsettled(payment: Payment) -> Self {
        Self { payment, rejection: None }
    }

    /// The payment, with the software's reasons when it was refused.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(scope: &Scope, payment: Payment) -> Result<Self, db::Error> {
        let rejection = match payment.remote_status {
            RemoteStatus::Rejected => {
                Some(store::remote_write(scope, payment.id).await?.map(|write| write.errors).unwrap_or_default())
            }
            _ => None,
        };
        Ok(Self { payment, rejection })
    }
}

/// Create calls of connections with software. Cheap to clone: all clones share the reads and the limit.
#[derive(Debug, Clone)]
pub struct Calls {
    /// Reads what their payments refer to.
    pub loader: Loader,
    writes: Arc<dyn Writes>,
    /// The most calls of one connection that wait.
    limit: usize,
    waiting: Arc<Mutex<HashMap<ConnectionId, usize>>>,
    end: watch::Sender<bool>,
}

impl Calls {
    /// Calls that wait for `writes`, at most `limit` of one connection.
    #[must_use]
    pub fn new(writes: Arc<dyn Writes>, limit: usize) -> Self {
        Self { loader: Loader::default(), writes, limit, waiting: Arc::default(), end: watch::Sender::new(false) }
    }

    /// Ends all waits, present and future: the server stops.
    pub fn end(&self) {
        self.end.send_replace(true);
    }

    /// Follows a payment that was just stored for as long as its client prefers, and at most as long as its request may
    /// be held back. Above the limit of its connection it does not wait.
    pub async fn follow(&self, scope: &Scope, payment: Payment, hold: &Hold) -> Settled {
        self.writes.wake(scope);
        let until = hold.until().min(Instant::now() + hold.prefer.patience(DEFAULT_WAIT));
        let place = if until > Instant::now() { self.begin(scope.connection_id()) } else { None };
        let Some(place) = place else { return Settled::unsettled(payment) };
        hold.return_slot();
        let (calls, scope, id) = (self.clone(), scope.clone(), payment.id);
        let wait = async move {
            let _place = place;
            calls.wait(&scope, id, until).await
        };
        // A task of its own, so that a panic ends it and not the call. It is dropped with the call.
        let mut task = JoinSet::new();
        task.spawn(wait.in_current_span());
        match task.join_next().await {
            Some(Ok(Some(settled))) => settled,
            _ => Settled::unsettled(payment),
        }
    }

    async fn wait(&self, scope: &Scope, id: PaymentId, until: Instant) -> Option<Settled> {
        let mut end = self.end.subscribe();
        tokio::select! {
            () = self.writes.settled(scope, id, until) => {}
            () = tokio::time::sleep_until(until) => {}
            _ = end.wait_for(|is_over| *is_over) => {}
        }
        let read = async {
            let payment = store::find(scope, id).await?.ok_or(sqlx::Error::RowNotFound)?;
            Settled::of(scope, payment).await
        };
        let read: Result<_, db::Error> = timeout_at(Instant::now() + READ_TIMEOUT, read).await.ok()?;
        read.inspect_err(|error| {
            let error = error as &dyn std::error::Error;
            tracing::warn!(error, "what became of a payment could not be read: it is answered as pending");
        })
        .ok()
    }

    /// A place among the calls of a connection that wait, if one is free.
    fn begin(&self, connection: ConnectionId) -> Option<Place> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.entry(connection).or_insert(0);
        if *count >= self.limit {
            return None;
        }
        *count += 1;
        Some(Place { waiting: Arc::clone(&self.waiting), connection })
    }
}

/// A place among the calls of a connection that wait. Dropping it returns it.
#[derive(Debug)]
struct Place {
    waiting: Arc<Mutex<HashMap<ConnectionId, usize>>>,
    connection: ConnectionId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = waiting.get_mut(&self.connection) {
            *count -= 1;
            if *count == 0 {
                waiting.remove(&self.connection);
            }
        }
    }
}
