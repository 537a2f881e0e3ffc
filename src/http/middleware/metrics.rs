//! Prometheus metrics, on a listener of their own so that they can stay inside.

use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::http::header;
use axum::routing::get;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::telemetry::DROPPED_LINES;

/// Counts answered requests by method, matched route and status.
pub const REQUESTS: &str = "unibooks_http_requests_total";
/// Counts answered problems by their code.
pub const PROBLEMS: &str = "unibooks_http_problems_total";
/// Measures how long answers took, in seconds, by method and matched route.
pub const DURATIONS: &str = "unibooks_http_request_duration_seconds";

/// Shows how much memory the payments take that wait to be stored, in bytes.
pub const QUEUE: &str = "unibooks_payment_queue_bytes";

/// Upper bounds of the duration buckets, in seconds.
const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Makes this process record metrics. Once a process.
///
/// # Errors
/// When it was done before.
pub fn install() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(DURATIONS.to_owned()), BUCKETS)?
        .install_recorder()
        .context("metrics can be installed once a process")?;
    describe_counter!(REQUESTS, "Answered HTTP requests");
    describe_counter!(PROBLEMS, "Answers that are a problem document, by its code");
    describe_counter!(DROPPED_LINES, "Lines of the log that were not written: its reader is too slow, or has gone");
    // There from the start, so that an alert sees it grow.
    counter!(DROPPED_LINES).increment(0);
    describe_gauge!(QUEUE, Unit::Bytes, "Memory of the payments that wait to be stored; full at 32 MiB");
    describe_histogram!(DURATIONS, Unit::Seconds, "Time to answer an HTTP request");
    Ok(handle)
}

/// Moves recorded durations into their buckets every few seconds; without it they would pile up between two scrapes.
pub async fn run_upkeep(handle: PrometheusHandle) {
    let mut every = tokio::time::interval(Duration::from_secs(5));
    loop {
        every.tick().await;
        handle.run_upkeep();
    }
}

/// `GET /metrics`. `queue_bytes` is asked with each of them.
pub fn router(handle: PrometheusHandle, queue_bytes: impl Fn() -> usize + Clone + Send + Sync + 'static) -> Router {
    Router::new().route(
        "/metrics",
        get(move || {
            gauge!(QUEUE).set(f64::from(u32::try_from(queue_bytes()).unwrap_or(u32::MAX)));
            let body = handle.render();
            async { ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], body) }
        }),
    )
}
