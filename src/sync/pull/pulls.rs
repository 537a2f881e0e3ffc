//! The pulls of all connections, as work of the server (`jobs/`), and one at the command line.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::failure::Failure;
use super::run::{LEASE, pull};
use super::store::{self, Lease};
use crate::auth::{JobScope, Worker};
use crate::connectors::{Capabilities, Connector};
use crate::db;
use crate::domain::ConnectionId;
use crate::events::Changes;
use crate::jobs::{self, Limits, Page, Taken, Woken, Work};
use crate::management::connections::{Access, NoAccess, Software, software};
use crate::sync::write::{Health, Key, jittered, record_shown};

/// A pull holds a page of objects, and calls software all the time.
const LIMITS: Limits =
    Limits { pieces: 8, takes: 2, interval: Duration::from_secs(1), rest: Duration::ZERO, page: 100 };
/// How long until a pull that failed is continued.
const AGAIN: Duration = Duration::from_mins(1);

/// What software can do, and the way to it.
type Way = (&'static Capabilities, Arc<dyn Connector>);

/// The pulls of this server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pulls {
    worker: Worker,
    access: Access,
    interval: Duration,
    changes: Changes,
    is_stopping: Arc<AtomicBool>,
}

impl Pulls {
    /// The pulls of this server; `interval` lies between two of a connection. They wait until [`run`](Self::run) does
    /// them.
    #[must_use]
    pub fn new(worker: Worker, access: Access, interval: Duration, changes: Changes) -> Self {
        Self { worker, access, interval, changes, is_stopping: Arc::default() }
    }

    /// Does them until `stop`. A pull under way ends behind its page, and another server goes on.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let is_stopping = Arc::clone(&self.is_stopping);
        let stop = async move {
            stop.await;
            is_stopping.store(true, Ordering::Relaxed);
        };
        jobs::run(Arc::new(self), LIMITS, Woken::default(), stop).await;
    }

    async fn try_take(&self, key: Key) -> Result<Taken, db::Error> {
        let job = self.worker.job(key.project_id, key.connection_id);
        let Some(software) = software(&job).await? else { return Ok(Taken::Nothing) };
        let Some(lease) = store::lease(&job, Uuid::now_v7(), LEASE).await? else { return Ok(Taken::Nothing) };
        match self.way(key.connection_id, &software) {
            Ok(way) => Ok(Taken::Piece(Box::pin(self.clone().piece(job, software, way, lease)))),
            Err(error) => {
                let connection = key.connection_id;
                tracing::error!(%connection, error = &error as &dyn std::error::Error, "software cannot be read");
                store::release(&job, &lease, AGAIN).await?;
                Ok(Taken::Nothing)
            }
        }
    }

    /// What the software can do, and the way to it.
    fn way(&self, connection: ConnectionId, software: &Software) -> Result<Way, NoAccess> {
        Ok((self.access.provider(software)?.capabilities(), self.access.kept(connection, software)?))
    }

    async fn piece(self, job: JobScope, software: Software, (capabilities, connector): Way, lease: Lease) {
        let is_stopping = || self.is_stopping.load(Ordering::Relaxed);
        let ended = pull(&job, &*connector, capabilities, &lease, &is_stopping).await;
        settle(&job, &software, &lease, &ended, self.interval).await;
        self.changes.notify(job.project_id());
        if matches!(ended, Err(Failure::Software(_))) {
            self.access.forget(job.connection_id());
        }
    }
}

/// Stores how a pull ended: what it shows of the software, and when the next one is due.
pub async fn settle(
    job: &JobScope,
    software: &Software,
    lease: &Lease,
    ended: &Result<(), Failure>,
    interval: Duration,
) {
    let connection = job.connection_id();
    let wait = match ended {
        Ok(()) => {
            record_shown(job, software, &Health::Good).await;
            jittered(interval, &mut rand::rng())
        }
        Err(Failure::Software(error)) => {
            let shown = Health::after(error);
            record_shown(job, software, &shown).await;
            if let Health::Wait(wait) = shown { wait.max(AGAIN) } else { AGAIN }
        }
        Err(Failure::Stopped) => Duration::ZERO,
        Err(Failure::LeaseLost) => return,
        Err(Failure::Database(error)) => {
            tracing::warn!(%connection, error = error as &dyn std::error::Error, "a pull was not stored; it goes on");
            AGAIN
        }
    };
    if let Err(error) = store::release(job, lease, wait).await {
        tracing::warn!(%connection, error = &error as &dyn std::error::Error, "a lease was not given back; it lapses");
    }
}

#[async_trait]
impl Work for Pulls {
    type Key = Key;

    /// Those that wait longest, from the first each time: those under way are not due.
    async fn due(&self, _: Option<Key>, limit: u16) -> anyhow::Result<Page<Key>> {
        store::enroll(&self.worker).await?;
        let due = store::due(&self.worker, limit).await?;
        let due = due.into_iter().map(|(connection_id, project_id)| Key { connection_id, project_id });
        Ok(Page { due: due.collect(), last: None })
    }

    async fn take(&self, key: Key) -> Taken {
        self.try_take(key).await.unwrap_or_else(|error| {
            let connection = key.connection_id;
            tracing::warn!(%connection, error = &error as &dyn std::error::Error, "a pull was not begun; it will be");
            Taken::Nothing
        })
    }
}
