//! Calls of endpoints are kept for a month.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::MissedTickBehavior;

use super::store;
use crate::auth::Worker;
use crate::db;
use crate::domain::{Clock, WebhookAttemptId};
use crate::events;

/// How long they are kept.
const KEPT: TimeDelta = TimeDelta::days(30);
/// The most rows that one statement removes: a few milliseconds.
const STEP: u16 = 1_000;
/// How many projects are looked up at a time.
const PROJECTS: u16 = 1_000;
/// How often old ones are removed.
const INTERVAL: Duration = Duration::from_hours(1);

/// Removes old calls again and again, until it is dropped. Many servers may do it.
pub async fn remove_old_attempts(worker: Worker, clock: Clock) {
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        if let Err(error) = remove_old(&worker, &clock).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "old attempts of webhooks were not removed; they will be");
        }
    }
}

/// Removes the old calls of all projects, in small steps.
///
/// # Errors
/// When the database fails.
pub async fn remove_old(worker: &Worker, clock: &Clock) -> Result<(), db::Error> {
    let before = WebhookAttemptId::first_id_at(clock.now() - KEPT);
    let mut after = None;
    loop {
        let projects = events::projects(worker, after, PROJECTS).await?;
        for project in &projects {
            let scope = worker.project(*project);
            while store::remove_attempts(&scope, before, STEP).await? == u64::from(STEP) {}
        }
        if projects.len() < usize::from(PROJECTS) {
            return Ok(());
        }
        after = projects.last().copied();
    }
}
