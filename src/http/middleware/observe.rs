//! Observability of each request: its id, its span, one log line, its metrics.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use tracing::field::Empty;

use super::log_error::ProblemCode;
use super::log_limit::LogLimit;
use super::probes::is_probe;
use super::request_id::{self, RequestId};

/// The outermost layer. The span never contains credentials, a query or a body, because they hold secrets and private
/// data.
pub async fn observe(State(limit): State<LogLimit>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::of(request.headers());
    let route =
        request.extensions().get::<MatchedPath>().map_or_else(|| "unmatched".to_owned(), |p| p.as_str().to_owned());
    let method = known_method(request.method());
    let span = tracing::info_span!(
        "request", request_id = %id, method, route, trace_id = request_id::trace_id(request.headers()),
        project_id = Empty, connection_id = Empty, api_key_id = Empty, client_address = Empty, code = Empty,
    );
    request.extensions_mut().insert(id.clone());

    let mut watch = Watch { span: span.clone(), started, answered: false };
    let mut response = next.run(request).instrument(span.clone()).await;
    watch.answered = true;

    let status = response.status().as_u16();
    let duration_us = in_microseconds(started);
    let code = response.extensions().get().map(|ProblemCode(code)| *code);
    span.in_scope(|| {
        if is_probe(&route) && status < 500 {
            // Probes come every few seconds; only their failures matter.
            tracing::debug!(status, duration_us, "answered");
        } else if limit.allows(&route, code) {
            tracing::info!(status, duration_us, "answered");
        }
    });
    let labels = [("method", method.to_owned()), ("route", route), ("status", status.to_string())];
    metrics::counter!(super::metrics::REQUESTS, &labels).increment(1);
    metrics::histogram!(super::metrics::DURATIONS, &labels[..2]).record(Duration::from_micros(duration_us));

    let headers = response.headers_mut();
    headers.insert(request_id::HEADER, id.header_value());
    let timing = format!("total;dur={}.{:03}", duration_us / 1_000, duration_us % 1_000);
    if let Ok(timing) = HeaderValue::try_from(timing) {
        headers.insert("server-timing", timing);
    }
    response
}

/// Dropped without a response when the client goes away; it then writes the request's log line.
struct Watch {
    span: tracing::Span,
    started: Instant,
    answered: bool,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.answered {
            let duration_us = in_microseconds(self.started);
            self.span.in_scope(|| tracing::info!(duration_us, "the client went away before the answer"));
        }
    }
}

fn in_microseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// A method can be any token. As a metric label, each new one would occupy memory for ever.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}
