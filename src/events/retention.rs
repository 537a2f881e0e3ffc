//! Removes old events of all projects, in small steps. Several servers may do it at the same time.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::store;
use crate::auth::Worker;
use crate::db;
use crate::domain::{Clock, ProjectId};

/// The time between two passes through all projects.
const INTERVAL: Duration = Duration::from_mins(10);
/// The pause after each step, which leaves the database to others.
const PAUSE: Duration = Duration::from_millis(20);
/// How many projects are read at a time.
const PROJECTS: u16 = 1_000;

/// Keeps events for a time. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Retention {
    worker: Worker,
    clock: Clock,
    keep: Duration,
}

impl Retention {
    /// Keeps events for the time `keep`, once it runs.
    #[must_use]
    pub fn new(worker: Worker, clock: Clock, keep: Duration) -> Self {
        Self { worker, clock, keep }
    }

    /// Removes what is older, again and again, until it is dropped.
    pub async fn run(self) {
        loop {
            if let Err(error) = self.pass().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "old events were not removed; they will be");
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Removes what is older now, of all projects.
    ///
    /// # Errors
    /// When the database fails. What was removed before is gone.
    pub async fn pass(&self) -> Result<(), db::Error> {
        let moment = self.clock.now() - self.keep;
        let mut last = None;
        loop {
            let projects = store::projects(&self.worker, last, PROJECTS).await?;
            for project in &projects {
                self.expire(*project, moment).await?;
            }
            last = match projects.last() {
                Some(project) => Some(*project),
                None => return Ok(()),
            };
        }
    }

    async fn expire(&self, project: ProjectId, moment: DateTime<Utc>) -> Result<(), db::Error> {
        let scope = self.worker.project(project);
        while store::expire(&scope, moment).await? {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}
