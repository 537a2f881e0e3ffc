//! The streams of this server.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use metrics::describe_gauge;
use tokio::sync::{Semaphore, watch};

use super::page::FramePage;
use super::tail::Tail;
use crate::auth::{ProjectScope, Worker};
use crate::db;
use crate::domain::{EventPosition, ProjectId};
use crate::events::{self, Changes, Filter, Subscriber};
use crate::http::limits::fair_share::{FairShare, Share};
use crate::jobs::{self, Limits, Page, Taken, Woken, Work};
use crate::webhooks::feed;

/// Counts the streams that are open on this server.
pub const OPEN: &str = "unibooks_event_streams";
/// A take moves the tail of one project on. Changes on other servers are seen at the interval.
const LIMITS: Limits =
    Limits { pieces: 4, takes: 4, interval: Duration::from_secs(1), rest: Duration::from_millis(10), page: 1_000 };
/// The most streams that read from the database at a time, because they lag behind. Each needs a session.
const MAX_LAGGING: usize = 4;

/// The streams of this server. Cheap to clone: all clones share them.
#[derive(Debug, Clone)]
pub struct Streams {
    worker: Worker,
    places: FairShare,
    tails: Tails,
    woken: Woken<ProjectId>,
    lagging: Arc<Semaphore>,
    end: watch::Sender<bool>,
}

/// The tails that are read, by project.
type Tails = Arc<Mutex<BTreeMap<ProjectId, Weak<Tail>>>>;

/// Moves a tail on as soon as its project changes.
struct Waker {
    tails: Tails,
    woken: Woken<ProjectId>,
}

impl Subscriber for Waker {
    fn changed(&self, project: ProjectId) {
        if lock(&self.tails).contains_key(&project) {
            self.woken.wake(project);
        }
    }
}

impl Streams {
    /// At most `max` streams, which API keys share. They get new events while [`run`](Self::run) runs.
    #[must_use]
    pub fn new(worker: Worker, changes: &Changes, max: usize) -> Self {
        let (tails, woken) = (Tails::default(), Woken::default());
        changes.subscribe(Waker { tails: Arc::clone(&tails), woken: woken.clone() });
        let lagging = Arc::new(Semaphore::new(MAX_LAGGING));
        Self { worker, places: FairShare::new(max), tails, woken, lagging, end: watch::Sender::new(false) }
    }

    /// Moves tails on until `stop`.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        describe_gauge!(OPEN, "Streams of events that are open on this server");
        let woken = self.woken.clone();
        jobs::run(Arc::new(self), LIMITS, woken, stop).await;
    }

    /// Ends all streams, present and future: the server stops.
    pub fn end(&self) {
        self.end.send_replace(true);
    }

    /// Says when the streams end.
    pub(super) fn ending(&self) -> watch::Receiver<bool> {
        self.end.subscribe()
    }

    /// A place for a stream, if the API key may have one more.
    pub(super) fn take_place(&self, scope: &ProjectScope) -> Option<Share> {
        self.places.take(scope.api_key_id(), 1)
    }

    /// The tail of a project, which follows its feed from now on.
    pub(super) async fn follow(&self, scope: &ProjectScope) -> Result<Arc<Tail>, db::Error> {
        if let Some(tail) = self.tail(scope.project_id()) {
            return Ok(tail);
        }
        // What waits for its position is numbered by the first look.
        let end = events::last_position(scope).await?;
        let mut tails = lock(&self.tails);
        let entry = tails.entry(scope.project_id()).or_default();
        let tail = entry.upgrade().unwrap_or_else(|| Arc::new(Tail::new(end)));
        *entry = Arc::downgrade(&tail);
        Ok(tail)
    }

    /// Events after `position` from the database, for a stream that lags behind the tail.
    pub(super) async fn read(
        &self,
        scope: &ProjectScope,
        filter: &Filter,
        position: EventPosition,
    ) -> Result<FramePage, feed::Error> {
        // It is never closed.
        let _permit = self.lagging.acquire().await;
        FramePage::read(scope, filter, position).await
    }

    fn tail(&self, project: ProjectId) -> Option<Arc<Tail>> {
        lock(&self.tails).get(&project).and_then(Weak::upgrade)
    }

    /// Numbers what is committed, and adds a page to the tail. Returns whether there is more.
    async fn extend(&self, scope: &ProjectScope, tail: &Tail) -> Result<bool, feed::Error> {
        let sequenced = events::sequence(scope).await?;
        let page = FramePage::read(scope, &Filter::default(), tail.end()).await?;
        if page.last > tail.end() {
            tail.extend(page.frames, page.last);
        }
        Ok(sequenced.has_more || !page.is_end)
    }
}

/// The projects with streams are looked at in turn. All servers with streams do this, each for its own.
#[async_trait]
impl Work for Streams {
    type Key = ProjectId;

    async fn due(&self, after: Option<ProjectId>, limit: u16) -> anyhow::Result<Page<ProjectId>> {
        let mut tails = lock(&self.tails);
        tails.retain(|_, tail| tail.strong_count() > 0);
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let due: Vec<_> = tails.range((after, Bound::Unbounded)).map(|(id, _)| *id).take(usize::from(limit)).collect();
        let last = due.last().copied().filter(|_| due.len() == usize::from(limit));
        Ok(Page { due, last })
    }

    async fn take(&self, project: ProjectId) -> Taken {
        let Some(tail) = self.tail(project) else { return Taken::Nothing };
        match self.extend(&self.worker.project(project), &tail).await {
            Ok(true) => Taken::Again,
            Ok(false) => Taken::Nothing,
            Err(error) => {
                tracing::warn!(
                    %project, error = &error as &dyn std::error::Error, "events were not streamed yet; they will be"
                );
                Taken::Nothing
            }
        }
    }
}

fn lock(tails: &Tails) -> MutexGuard<'_, BTreeMap<ProjectId, Weak<Tail>>> {
    // A panic elsewhere leaves a map that is whole.
    tails.lock().unwrap_or_else(PoisonError::into_inner)
}
