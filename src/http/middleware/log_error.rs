//! Writes each failure once to the log, inside the request's span, and to the body of the response.

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use super::request_id::RequestId;
use crate::http::problem::error::Error;
use crate::http::problem::failure::Failure;
use crate::http::problem::types;

/// The code of the problem; an extension of the response.
#[derive(Debug, Clone, Copy)]
pub struct ProblemCode(pub &'static str);

/// The layer. Only failures of the server are logged here, with their cause. A client's error is explained in its own
/// response, and the request's log line has its status and code.
pub async fn log_error(request: Request, next: Next) -> Response {
    let instance = request.uri().path().to_owned();
    let request_id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    let mut response = next.run(request).await;
    let Some(Failure { mut problem, cause }) = response.extensions_mut().remove::<Failure>() else {
        return response;
    };
    tracing::Span::current().record("code", problem.code);
    let cause: &(dyn std::error::Error + 'static) = cause.as_ref();
    // A panic was logged where it happened, with its location (telemetry).
    let is_logged = matches!(cause.downcast_ref(), Some(Error::Panic { .. }));
    // Overload refusals are only counted (log_limit); logging each would drown everything else.
    let is_logged = is_logged || problem.code == types::OVERLOADED.code;
    metrics::counter!(super::metrics::PROBLEMS, "code" => problem.code).increment(1);
    if !is_logged && (response.status().is_server_error() || problem.code == types::OUTCOME_UNKNOWN.code) {
        tracing::error!(error = cause, "request failed");
    }
    problem.instance = instance;
    problem.request_id = request_id;
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = body.into();
    response.extensions_mut().insert(ProblemCode(problem.code));
    response
}
