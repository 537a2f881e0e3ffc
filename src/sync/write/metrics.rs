//! Metrics of the writes into accounting software.

use std::time::Duration;

use metrics::{Unit, describe_counter, describe_gauge, gauge};
use tokio::time::MissedTickBehavior;

use super::sending::ATTEMPTS;
use super::store::OpenWrites;
use super::work::RemoteWrites;

/// How many writes wait, by state. Every server shows those of all servers.
const OPEN: &str = "unibooks_remote_writes_open";
/// The age of the oldest one that is pending or unknown.
const OLDEST: &str = "unibooks_remote_write_oldest_seconds";
/// How often they are counted: reading all open ones costs more the more there are.
const INTERVAL: Duration = Duration::from_secs(15);

/// Counts open writes again and again, until it is dropped.
pub async fn record_open_writes(writes: RemoteWrites) {
    describe_counter!(ATTEMPTS, "Attempts to write a payment into accounting software, or to look it up there");
    describe_gauge!(OPEN, "Payments that are not written into their accounting software yet, of all servers");
    describe_gauge!(OLDEST, Unit::Seconds, "Age of the oldest payment that is pending or unknown");
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        match writes.open_writes().await {
            Ok(OpenWrites { pending, unknown, needs_attention, oldest_seconds }) => {
                gauge!(OPEN, "state" => "pending").set(pending);
                gauge!(OPEN, "state" => "unknown").set(unknown);
                gauge!(OPEN, "state" => "needs_attention").set(needs_attention);
                gauge!(OLDEST).set(oldest_seconds);
            }
            // The loop that does the writes reports the database.
            Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "open writes were not counted"),
        }
    }
}
