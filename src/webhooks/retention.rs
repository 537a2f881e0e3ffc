//! Removes old events and old calls of endpoints, of all projects in small steps. Several servers may do it at the same
//! time.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::delivery;
use crate::auth::{ProjectScope, Worker};
use crate::db;
use crate::domain::{Clock, WebhookAttemptId};
use crate::events;

/// The time between two passes through all projects.
const INTERVAL: Duration = Duration::from_mins(10);
/// The pause after each step, which leaves the database to others.
const PAUSE: Duration = Duration::from_millis(20);
/// How many projects are read at a time.
const PROJECTS: u16 = 1_000;
/// How long calls of endpoints are kept.
const ATTEMPTS_KEPT: TimeDelta = TimeDelta::days(30);
/// The most calls that one step removes: a few milliseconds.
const STEP: u16 = 1_000;

/// Keeps events and calls of endpoints for a time. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Retention {
    worker: Worker,
    clock: Clock,
    keep_events: Duration,
}

impl Retention {
    /// Keeps events for the time `keep_events`, once it runs.
    #[must_use]
    pub fn new(worker: Worker, clock: Clock, keep_events: Duration) -> Self {
        Self { worker, clock, keep_events }
    }

    /// Removes what is older, again and again, until it is dropped.
    pub async fn run(self) {
        loop {
            if let Err(error) = self.pass().await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "old events and calls of webhooks were not removed; they will be");
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Removes what is older now, of all projects.
    ///
    /// # Errors
    /// When the database fails. What was removed before is gone.
    pub async fn pass(&self) -> Result<(), db::Error> {
        let now = self.clock.now();
        let mut last = None;
        loop {
            let projects = events::projects(&self.worker, last, PROJECTS).await?;
            for project in &projects {
                self.remove(&self.worker.project(*project), now).await?;
            }
            last = match projects.last() {
                Some(project) => Some(*project),
                None => return Ok(()),
            };
        }
    }

    async fn remove(&self, scope: &ProjectScope, now: DateTime<Utc>) -> Result<(), db::Error> {
        while events::expire(scope, now - self.keep_events).await? {
            tokio::time::sleep(PAUSE).await;
        }
        let before = WebhookAttemptId::first_id_at(now - ATTEMPTS_KEPT);
        while delivery::remove_attempts(scope, before, STEP).await? == u64::from(STEP) {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}
