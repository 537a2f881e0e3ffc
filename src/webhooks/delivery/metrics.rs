//! Metrics of deliveries. No label names an endpoint: their number has no bound.

use std::time::Duration;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use tokio::time::MissedTickBehavior;

use super::schedule::FAILING;
use super::store::{self, Pending};
use crate::auth::Worker;
use crate::domain::Clock;

/// Counts calls of endpoints by outcome.
pub const SENT: &str = "unibooks_webhook_attempts_total";
/// Measures them, in seconds.
pub const DURATIONS: &str = "unibooks_webhook_attempt_duration_seconds";
/// How many events wait, by the state of their endpoint. Every server shows those of all servers.
const PENDING: &str = "unibooks_webhook_events_pending";
/// The age of the oldest.
const OLDEST: &str = "unibooks_webhook_oldest_pending_seconds";
/// How often they are counted.
const INTERVAL: Duration = Duration::from_secs(15);

/// Counts waiting events again and again, until it is dropped.
pub async fn record_pending(worker: Worker, clock: Clock) {
    describe_counter!(SENT, "Calls of webhook endpoints");
    describe_histogram!(DURATIONS, Unit::Seconds, "Time until a webhook endpoint has answered, or the call has failed");
    describe_gauge!(PENDING, "Events that webhook endpoints have still to get, of all servers");
    describe_gauge!(OLDEST, Unit::Seconds, "Age of the oldest event that a webhook endpoint has still to get");
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        match store::pending(&worker, FAILING, clock.now()).await {
            Ok(counted) => {
                for (state, is_failing) in [("working", false), ("failing", true)] {
                    let found = counted.iter().find(|pending| pending.is_failing == is_failing);
                    let Pending { events, oldest_seconds, .. } = found.copied().unwrap_or_default();
                    gauge!(PENDING, "endpoint" => state).set(events);
                    gauge!(OLDEST, "endpoint" => state).set(oldest_seconds);
                }
            }
            // The loop that delivers reports the database.
            Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "waiting events were not counted"),
        }
    }
}
