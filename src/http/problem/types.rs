//! The problem types (RFC 9457) of HTTP itself. Each slice has its own `problems.rs`.
//!
//! The documents and the OpenAPI document list exactly these and those of the slices; a test compares.

use axum::http::StatusCode;

/// One kind of problem.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemType {
    /// Stable, for programs.
    pub code: &'static str,
    /// HTTP status.
    pub status: StatusCode,
    /// The same for every occurrence.
    pub title: &'static str,
}

impl ProblemType {
    /// Whether the same request, sent again unchanged, may succeed and cannot do harm. These are the statuses that
    /// existing client libraries repeat by themselves (contract §1.10).
    #[must_use]
    pub fn retryable(&self) -> bool {
        matches!(self.status.as_u16(), 429 | 500 | 502 | 503 | 504)
    }
}

/// Declares problem types and `ALL`, the list of them.
macro_rules! problem_types {
    ($($name:ident: $status:ident, $code:literal, $title:literal;)*) => {
        $(
            #[doc = $title]
            pub const $name: $crate::http::problem::ProblemType = $crate::http::problem::ProblemType {
                code: $code,
                status: axum::http::StatusCode::$status,
                title: $title,
            };
        )*

        /// All of them, in the order of their statuses.
        pub const ALL: &[&$crate::http::problem::ProblemType] = &[$(&$name),*];
    };
}
pub(crate) use problem_types;

problem_types! {
    MALFORMED_REQUEST: BAD_REQUEST, "malformed_request", "Malformed HTTP request";
    MALFORMED_JSON: BAD_REQUEST, "malformed_json", "Malformed JSON body";
    INVALID_IDEMPOTENCY_KEY: BAD_REQUEST, "invalid_idempotency_key", "Invalid Idempotency-Key header";
    UNREADABLE_BODY: BAD_REQUEST, "unreadable_body", "Incomplete body";
    UNAUTHENTICATED: UNAUTHORIZED, "unauthenticated", "Missing or invalid credentials";
    ROUTE_NOT_FOUND: NOT_FOUND, "route_not_found", "No such route";
    METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed";
    BODY_TIMEOUT: REQUEST_TIMEOUT, "body_timeout", "Timeout while the body was sent";
    OUTCOME_UNKNOWN: CONFLICT, "outcome_unknown", "Outcome unknown";
    BODY_TOO_LARGE: PAYLOAD_TOO_LARGE, "body_too_large", "Body too large";
    URI_TOO_LONG: URI_TOO_LONG, "uri_too_long", "URI too long";
    UNSUPPORTED_MEDIA_TYPE: UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Unsupported media type";
    INVALID_BODY: UNPROCESSABLE_ENTITY, "invalid_body", "Invalid body";
    INVALID_QUERY: UNPROCESSABLE_ENTITY, "invalid_query", "Invalid query";
    RATE_LIMITED: TOO_MANY_REQUESTS, "rate_limited", "Rate limit exceeded";
    TOO_MANY_FAILURES: TOO_MANY_REQUESTS, "too_many_failures", "Too many failed authentications";
    HEAD_TOO_LARGE: REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", "Request head too large";
    INTERNAL: INTERNAL_SERVER_ERROR, "internal", "Internal server error";
    UNSUPPORTED_TRANSFER_CODING: NOT_IMPLEMENTED, "unsupported_transfer_coding", "Unsupported transfer coding";
    OVERLOADED: SERVICE_UNAVAILABLE, "overloaded", "Server overloaded";
    UNAVAILABLE: SERVICE_UNAVAILABLE, "unavailable", "Service unavailable";
}

/// What every request can be answered for its head.
pub const OF_HEADS: &[&ProblemType] =
    &[&MALFORMED_REQUEST, &URI_TOO_LONG, &HEAD_TOO_LARGE, &UNSUPPORTED_TRANSFER_CODING];

/// What every call with credentials can be answered.
pub const OF_CALLERS: &[&ProblemType] =
    &[&UNAUTHENTICATED, &RATE_LIMITED, &TOO_MANY_FAILURES, &INTERNAL, &OVERLOADED, &UNAVAILABLE];

/// What every call with a JSON body can be answered.
pub const OF_BODIES: &[&ProblemType] =
    &[&MALFORMED_JSON, &UNREADABLE_BODY, &BODY_TIMEOUT, &BODY_TOO_LARGE, &UNSUPPORTED_MEDIA_TYPE, &INVALID_BODY];
