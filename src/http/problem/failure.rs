//! A failed response on its way out: the problem for the client and the cause for the operator.

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::document::Problem;

/// An extension of a failed response. [`crate::http::middleware::log_error`] takes it out and writes it to the log and to
/// the body.
#[derive(Clone)]
pub struct Failure {
    /// What the client gets.
    pub problem: Problem,
    /// What the operator finds in the log.
    pub cause: Arc<dyn std::error::Error + Send + Sync>,
}

impl Failure {
    /// The response to a failed request, still without a body.
    pub fn respond(problem: Problem, cause: impl std::error::Error + Send + Sync + 'static) -> Response {
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        let mut insert = |name: HeaderName, value| response.headers_mut().insert(name, HeaderValue::from_static(value));
        match status {
            // RFC 9110 section 11.6.1 demands a challenge; the schemes in use have no registered name.
            StatusCode::UNAUTHORIZED => {
                insert(header::WWW_AUTHENTICATE, "ApiKey realm=\"unibooks\", header=\"x-api-key, x-connection-token\"");
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                insert(header::RETRY_AFTER, "1");
            }
            _ => {}
        }
        response.extensions_mut().insert(Self { problem, cause: Arc::new(cause) });
        response
    }
}
