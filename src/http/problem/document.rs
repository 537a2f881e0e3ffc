//! The form of every error: `application/problem+json` (RFC 9457).

use serde::Serialize;
use utoipa::ToSchema;

use super::types::ProblemType;
use crate::http::problem::FieldError;

/// A problem document with the extensions of contract §4.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// A URI that identifies the kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "urn:unibooks:problem:invalid_body")]
    pub type_uri: String,
    /// The kind of problem in words, the same for every occurrence.
    #[schema(example = "Invalid body")]
    pub title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    pub status: u16,
    /// What is wrong with this request, and what to do.
    #[schema(example = "1 error; see `errors`. Nothing was stored.")]
    pub detail: String,
    /// The path of the request.
    #[schema(example = "/accounting/payments")]
    pub instance: String,
    /// Stable code of the kind of problem.
    #[schema(example = "invalid_body")]
    pub code: &'static str,
    /// The id of this request, also in the header `x-request-id` and in the server's log.
    #[schema(example = "01968e3c-3f6c-7d1e-9b0a-2f8f6f0c1a2b")]
    pub request_id: String,
    /// Whether the same request, sent again unchanged, may succeed and cannot do harm.
    pub retryable: bool,
    /// All errors of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Further members of this kind of problem (RFC 9457 section 3.2).
    #[serde(flatten)]
    #[schema(ignore)]
    pub extensions: serde_json::Map<String, serde_json::Value>,
}

impl Problem {
    /// A problem of this kind. [`crate::http::middleware::log_error`] fills in `instance` and `request_id`.
    pub fn new(kind: &'static ProblemType, detail: impl Into<String>) -> Self {
        Self {
            type_uri: format!("urn:unibooks:problem:{}", kind.code),
            title: kind.title,
            status: kind.status.as_u16(),
            detail: detail.into(),
            instance: String::new(),
            code: kind.code,
            request_id: String::new(),
            retryable: kind.retryable(),
            errors: Vec::new(),
            extensions: serde_json::Map::new(),
        }
    }

    /// The same problem with a list of errors.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// The same problem with a further member.
    #[must_use]
    pub fn with_extension(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.extensions.insert(name.to_owned(), value.into());
        self
    }
}
