//! The deliveries of all endpoints, as work of the server (`jobs/`).

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::pace::Pace;
use super::rate::Rate;
use super::replay::MAX_RETRIES;
use super::sending::Sender;
use super::slow::Slow;
use super::step::{ROOM_BYTES, Step};
use super::store;
use super::turns::Turns;
use crate::auth::{ProjectScope, Worker};
use crate::db;
use crate::domain::{Clock, ProjectId};
use crate::events::{self, Changes, Subscriber};
use crate::jobs::{self, Limits, Page, Taken, Woken, Work};
use crate::outgoing::Client;
use crate::pressure::Pressure;
use crate::sealed::SealingKeys;

/// A piece under way is a step of an endpoint: it holds some messages, and mostly waits for an answer. How many there
/// are is decided by [`Turns`].
const LIMITS: Limits = Limits {
    pieces: usize::MAX,
    takes: 4,
    interval: Duration::from_secs(1),
    rest: Duration::from_millis(10),
    page: 1_000,
};
/// The most memory of steps that wait for slow endpoints, in bytes.
const SLOW_BYTES: usize = 64 * 1_024 * 1_024;
/// How long an endpoint is this server's: longer than a step takes. After that another server goes on.
const LEASE: Duration = Duration::from_secs(30);
/// How many endpoints of a project are looked up at a time.
const CANDIDATES: u16 = 500;

/// The deliveries of this server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Deliveries {
    worker: Worker,
    sender: Sender,
    slow: Slow,
    keys: Option<SealingKeys>,
    clock: Clock,
    turns: Turns,
    pace: Pace,
    rate: Rate,
    woken: Woken<ProjectId>,
    /// The projects of the look that goes through all of them now.
    found: Arc<Mutex<HashSet<ProjectId>>>,
}

/// Takes up the events of projects with endpoints as soon as they are there.
struct Waker {
    turns: Turns,
    woken: Woken<ProjectId>,
}

impl Subscriber for Waker {
    fn changed(&self, project: ProjectId) {
        if self.turns.is_watched(project) {
            self.woken.wake(project);
        }
    }
}

impl Deliveries {
    /// The deliveries of this server: `client` calls endpoints, `keys` open their secrets. They wait until
    /// [`run`](Self::run) does them.
    #[must_use]
    pub fn new(worker: Worker, client: Client, keys: Option<SealingKeys>, changes: &Changes, clock: Clock) -> Self {
        let woken = Woken::default();
        let turns = Turns::new(woken.clone());
        changes.subscribe(Waker { turns: turns.clone(), woken: woken.clone() });
        let sender = Sender::new(client, clock.clone());
        let slow = Slow::new(SLOW_BYTES / ROOM_BYTES);
        let (pace, rate) = (Pace::default(), Rate::under(Pressure::none()));
        Self { worker, sender, slow, keys, clock, turns, pace, rate, woken, found: Arc::default() }
    }

    /// Gives way to calls that feel this pressure.
    #[must_use]
    pub fn giving_way(self, pressure: Pressure) -> Self {
        Self { rate: Rate::under(pressure), ..self }
    }

    /// Does them until `stop`. Then it begins no more calls; those under way end, and what came of them is stored.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let sender = self.sender.clone();
        let stop = async move {
            stop.await;
            sender.stop();
        };
        let woken = self.woken.clone();
        jobs::run(Arc::new(self), LIMITS, woken, stop).await;
    }

    /// There is something to send in a project. Returns at once.
    pub fn wake(&self, project: ProjectId) {
        self.woken.wake(project);
    }

    /// The grant that it works with.
    #[must_use]
    pub fn worker(&self) -> &Worker {
        &self.worker
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn keys(&self) -> Option<&SealingKeys> {
        self.keys.as_ref()
    }

    pub(super) fn sender(&self) -> &Sender {
        &self.sender
    }

    async fn try_take(&self, scope: &ProjectScope) -> Result<Taken, db::Error> {
        let project = scope.project_id();
        self.rate.turn().await;
        if !self.turns.has_place(project) {
            return Ok(Taken::Nothing);
        }
        let is_due = self.pace.is_due(project);
        let mut next = self.turns.next(project);
        if next.is_none() {
            // Not before an endpoint needs it: deliveries that lag behind do not hold up new payments.
            if is_due && store::awaits_positions(scope, self.clock.now()).await? {
                self.pace.given(project, events::sequence(scope).await?);
            }
            let candidates = store::candidates(scope, self.clock.now(), MAX_RETRIES, CANDIDATES).await?;
            self.turns.add(project, candidates);
            next = self.turns.next(project);
        }
        let Some((candidate, place)) = next else {
            return Ok(if is_due { Taken::Nothing } else { Taken::Later });
        };
        let lease = store::lease(scope, candidate.id, self.clock.now(), Uuid::now_v7(), LEASE).await?;
        let Some(lease) = lease else { return Ok(Taken::Again) };
        let step = Step {
            scope: scope.clone(),
            lease,
            sender: self.sender.clone(),
            slow: self.slow.clone(),
            rate: self.rate.clone(),
            keys: self.keys.clone(),
            clock: self.clock.clone(),
        };
        Ok(Taken::Piece(Box::pin(step.run(place))))
    }
}

#[async_trait]
impl Work for Deliveries {
    type Key = ProjectId;

    async fn due(&self, after: Option<ProjectId>, limit: u16) -> anyhow::Result<Page<ProjectId>> {
        let projects = store::projects(&self.worker, after, self.clock.now(), limit).await?;
        let last = projects.last().map(|(project, _)| *project).filter(|_| projects.len() >= usize::from(limit));
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        for (project, _) in &projects {
            self.turns.watch(*project);
            found.insert(*project);
        }
        if last.is_none() {
            self.turns.keep(&found);
            self.pace.keep(|project| found.contains(project));
            found.clear();
        }
        Ok(Page { due: projects.into_iter().filter_map(|(project, is_due)| is_due.then_some(project)).collect(), last })
    }

    async fn take(&self, project: ProjectId) -> Taken {
        self.try_take(&self.worker.project(project)).await.unwrap_or_else(|error| {
            tracing::warn!(%project, error = &error as &dyn std::error::Error, "events were not taken; they will be");
            Taken::Nothing
        })
    }
}
