//! Prometheus metrics, on a separate listener so that they need not be public.

use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::http::header;
use axum::routing::get;
use metrics::{Unit, counter, describe_counter, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::telemetry::DROPPED_LINES;

/// Counts responses by method, matched route and status.
pub const REQUESTS: &str = "unibooks_http_requests_total";
/// Counts responses with a problem document by code.
pub const PROBLEMS: &str = "unibooks_http_problems_total";
/// Measures the time to respond, in seconds, by method and matched route.
pub const DURATIONS: &str = "unibooks_http_request_duration_seconds";

/// Upper bounds of the duration buckets, in seconds.
const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Installs the recorder of this process.
///
/// # Errors
/// When one is installed already.
pub fn install() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_duration_seconds".to_owned()), BUCKETS)?
        .install_recorder()
        .context("a metrics recorder is installed already")?;
    describe_counter!(REQUESTS, "HTTP responses");
    describe_counter!(PROBLEMS, "Responses with a problem document, by code");
    describe_counter!(
        DROPPED_LINES,
        "Log lines that were not written, because the reader of the log is too slow or gone"
    );
    // Present from the start, so that an alert can see it grow.
    counter!(DROPPED_LINES).increment(0);
    describe_histogram!(DURATIONS, Unit::Seconds, "Time to respond to an HTTP request");
    Ok(handle)
}

/// Moves recorded durations into their buckets every few seconds. Otherwise they would accumulate between scrapes.
pub async fn run_upkeep(handle: PrometheusHandle) {
    let mut every = tokio::time::interval(Duration::from_secs(5));
    loop {
        every.tick().await;
        handle.run_upkeep();
    }
}

/// `GET /metrics`. Each request first calls `record`, for the gauges whose values are read and not counted.
pub fn router(handle: PrometheusHandle, record: impl Fn() + Clone + Send + Sync + 'static) -> Router {
    Router::new().route(
        "/metrics",
        get(move || {
            record();
            let body = handle.render();
            async { ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], body) }
        }),
    )
}
