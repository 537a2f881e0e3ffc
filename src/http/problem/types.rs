//! Every kind of problem that this server answers with: the catalogue behind `code` (RFC 9457).
//!
//! `docs/api.md` and the OpenAPI document list exactly these; a test compares.

use axum::http::StatusCode;

/// One kind of problem.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemType {
    /// Stable, for programs.
    pub code: &'static str,
    /// HTTP status.
    pub status: StatusCode,
    /// The same sentence for every occurrence.
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

macro_rules! catalogue {
    ($($name:ident: $status:ident, $code:literal, $title:literal;)*) => {
        $(
            #[doc = $title]
            pub const $name: ProblemType =
                ProblemType { code: $code, status: StatusCode::$status, title: $title };
        )*

        /// All of them, in the order of their statuses.
        pub const ALL: &[&ProblemType] = &[$(&$name),*];
    };
}

catalogue! {
    MALFORMED_REQUEST: BAD_REQUEST, "malformed_request", "The request is not well-formed HTTP";
    MALFORMED_JSON: BAD_REQUEST, "malformed_json", "The body is not well-formed JSON";
    INVALID_IDEMPOTENCY_KEY: BAD_REQUEST, "invalid_idempotency_key", "The Idempotency-Key header is malformed";
    UNREADABLE_BODY: BAD_REQUEST, "unreadable_body", "The body broke off";
    UNAUTHENTICATED: UNAUTHORIZED, "unauthenticated", "The caller is not known";
    READ_ONLY_KEY: FORBIDDEN, "read_only_key", "This API key may only read";
    ROUTE_NOT_FOUND: NOT_FOUND, "route_not_found", "There is nothing at this path";
    PAYMENT_NOT_FOUND: NOT_FOUND, "payment_not_found", "There is no such payment";
    METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED, "method_not_allowed", "This path does not know this method";
    BODY_TIMEOUT: REQUEST_TIMEOUT, "body_timeout", "The body did not arrive in time";
    OUTCOME_UNKNOWN: CONFLICT, "outcome_unknown", "Whether the payment was stored is not known";
    BODY_TOO_LARGE: PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large";
    URI_TOO_LONG: URI_TOO_LONG, "uri_too_long", "The request target is too long";
    UNSUPPORTED_MEDIA_TYPE: UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body is not declared as JSON";
    INVALID_BODY: UNPROCESSABLE_ENTITY, "invalid_body", "The body has faults";
    INVALID_QUERY: UNPROCESSABLE_ENTITY, "invalid_query", "The query has faults";
    IDEMPOTENCY_KEY_REUSED: UNPROCESSABLE_ENTITY, "idempotency_key_reused",
        "This idempotency key was used for another request";
    RATE_LIMITED: TOO_MANY_REQUESTS, "rate_limited", "The API key has sent too many requests";
    TOO_MANY_FAILURES: TOO_MANY_REQUESTS, "too_many_failures", "This address was refused too often";
    HEAD_TOO_LARGE: REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", "The head of the request is too large";
    INTERNAL: INTERNAL_SERVER_ERROR, "internal", "The server failed";
    UNSUPPORTED_TRANSFER_CODING: NOT_IMPLEMENTED, "unsupported_transfer_coding",
        "The transfer coding of the body is not supported";
    OVERLOADED: SERVICE_UNAVAILABLE, "overloaded", "The server has too many requests at a time";
    UNAVAILABLE: SERVICE_UNAVAILABLE, "unavailable", "The server cannot answer now";
}
