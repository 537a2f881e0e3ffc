//! The writes into accounting software, as work of the server (`jobs/`).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::outcome::Health;
use super::sending::{self, Sending};
use super::store;
use super::take::{self, Asked};
use super::waiting::Waiting;
use crate::accounting::payments::software::Writes;
use crate::auth::{JobScope, Scope, Worker};
use crate::db;
use crate::domain::{ConnectionId, PaymentId, ProjectId};
use crate::events::Changes;
use crate::jobs::{self, Limits, Page, Taken, Woken, Work};
use crate::management::connections::{Access, NoAccess, Record, Software, SoftwareStatus, record_health, software};

/// A piece under way is a call that waits for other software; taking one needs a session of the database.
const LIMITS: Limits =
    Limits { pieces: 512, takes: 4, interval: Duration::from_secs(1), rest: Duration::ZERO, page: 1_000 };
/// How many writes of a connection are looked at for the next one that can be sent.
const CANDIDATES: u16 = 16;
/// How long a connection is left alone whose credentials this server cannot open. Another server may have the key.
const NO_ACCESS: Duration = Duration::from_mins(1);

/// A connection and its project: the writes of connections take turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// First, so that the order of keys is that of connections.
    pub connection_id: ConnectionId,
    /// Its project.
    pub project_id: ProjectId,
}

/// What the writes need.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The way to the software.
    pub access: Access,
    /// The age from which a write is not sent by itself.
    pub max_age: Duration,
    /// The time between two pulls of a connection.
    pub interval: Duration,
}

/// All writes into accounting software. Cheap to clone.
#[derive(Debug, Clone)]
pub struct RemoteWrites {
    worker: Worker,
    settings: Settings,
    changes: Changes,
    waiting: Waiting,
    woken: Woken<Key>,
}

impl RemoteWrites {
    /// The writes of this server, which say what they change. They wait until [`run`](Self::run) does them.
    #[must_use]
    pub fn new(worker: Worker, settings: Settings, changes: Changes) -> Self {
        Self { worker, settings, changes, waiting: Waiting::default(), woken: Woken::default() }
    }

    /// Does them until `stop`. A write that is being sent then is sent to its end.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let woken = self.woken.clone();
        jobs::run(Arc::new(self), LIMITS, woken, stop).await;
    }

    /// Counts the open writes of all connections.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_writes(&self) -> Result<store::OpenWrites, db::Error> {
        store::open_writes(&self.worker).await
    }

    async fn try_take(&self, key: Key) -> Result<Taken, db::Error> {
        let job = self.worker.job(key.project_id, key.connection_id);
        let Some(software) = software(&job).await? else { return Ok(Taken::Nothing) };
        if software.status != SoftwareStatus::Valid && !software.is_revoked {
            return Ok(Taken::Nothing);
        }
        let candidates = store::candidates(&job, self.settings.max_age, CANDIDATES).await?;
        if candidates.is_empty() {
            return Ok(Taken::Nothing);
        }
        let provider = match self.settings.access.provider(&software) {
            Ok(provider) => provider,
            Err(error) => return self.leave_alone(&job, &software, &error).await,
        };
        let mut has_ended = false;
        for candidate in candidates {
            match take::ask(&job, &software, provider, candidate).await? {
                Asked::Taken(taken) => {
                    return match self.settings.access.kept(key.connection_id, &software) {
                        Ok(connector) => {
                            let sending = Sending { job, software, provider, connector, taken: *taken };
                            Ok(Taken::Piece(Box::pin(self.clone().piece(sending))))
                        }
                        Err(error) => self.leave_alone(&job, &software, &error).await,
                    };
                }
                Asked::Ended(payment) => {
                    self.waiting.notify(key.connection_id, payment);
                    self.changes.notify(key.project_id);
                    has_ended = true;
                }
                Asked::NotNow => {}
                Asked::Busy => return Ok(Taken::Nothing),
            }
        }
        // Many writes of one invoice are looked at again later, and not at once.
        Ok(if has_ended { Taken::Again } else { Taken::Nothing })
    }

    async fn piece(self, sending: Sending) {
        let (project, connection) = (sending.job.project_id(), sending.job.connection_id());
        if sending::run(sending, self.waiting).await != Health::Good {
            self.settings.access.forget(connection);
        }
        self.changes.notify(project);
    }

    /// Says once a minute that a connection cannot be worked on.
    async fn leave_alone(&self, job: &JobScope, software: &Software, error: &NoAccess) -> Result<Taken, db::Error> {
        let connection = job.connection_id();
        tracing::error!(%connection, error = error as &dyn std::error::Error, "payments wait: their software cannot be called");
        record_health(job, software, Record::Wait(NO_ACCESS)).await?;
        Ok(Taken::Nothing)
    }
}

#[async_trait]
impl Work for RemoteWrites {
    type Key = Key;

    async fn due(&self, after: Option<Key>, limit: u16) -> anyhow::Result<Page<Key>> {
        let found = store::due(&self.worker, after.map(|key| key.connection_id), limit).await?;
        let key =
            |found: &store::DueConnection| Key { connection_id: found.connection_id, project_id: found.project_id };
        let last = found.last().map(key).filter(|_| found.len() >= usize::from(limit));
        Ok(Page { due: found.iter().filter(|found| found.is_due).map(key).collect(), last })
    }

    async fn take(&self, key: Key) -> Taken {
        self.try_take(key).await.unwrap_or_else(|error| {
            let connection = key.connection_id;
            tracing::warn!(%connection, error = &error as &dyn std::error::Error, "a write was not taken; it will be");
            Taken::Nothing
        })
    }
}

#[async_trait]
impl Writes for RemoteWrites {
    fn wake(&self, scope: &Scope) {
        self.woken.wake(Key { connection_id: scope.connection_id(), project_id: scope.project_id() });
    }

    async fn settled(&self, scope: &Scope, payment: PaymentId, until: Instant) {
        let waiter = self.waiting.register(scope.connection_id(), payment);
        while Instant::now() < until && store::is_open(scope, payment).await.unwrap_or(false) {
            waiter.step(until).await;
        }
    }
}
