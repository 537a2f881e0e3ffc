//! Errors in parts of a request: what is wrong, and where.

use std::borrow::Cow;
use std::fmt::Display;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::ParseError;

/// One error of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "/line_items/2/value")]
    pub pointer: Option<String>,
    /// The query parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "limit")]
    pub parameter: Option<String>,
    /// The request header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "x-api-key")]
    pub header: Option<&'static str>,
    /// Stable code, listed in `docs/api/errors.md`.
    #[schema(value_type = String, example = "wrong_type")]
    pub code: Cow<'static, str>,
    /// What is wrong and what would be valid.
    #[schema(example = "expected a number, found a string")]
    pub detail: String,
}

impl FieldError {
    /// An error in the body, at a JSON pointer.
    pub fn in_body(pointer: impl Display, error: ParseError) -> Self {
        Self { pointer: Some(pointer.to_string()), ..Self::without_location(error) }
    }

    /// An error of a query parameter.
    pub fn in_query(parameter: impl Into<String>, error: ParseError) -> Self {
        Self { parameter: Some(parameter.into()), ..Self::without_location(error) }
    }

    /// An error of a request header.
    #[must_use]
    pub fn in_header(header: &'static str, error: ParseError) -> Self {
        Self { header: Some(header), ..Self::without_location(error) }
    }

    fn without_location(ParseError { code, detail }: ParseError) -> Self {
        Self { pointer: None, parameter: None, header: None, code: code.into(), detail }
    }
}

/// The errors of a request: the first ones, and their number.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct FieldErrors {
    /// The first errors, at most [`FieldErrors::MAX_LISTED`].
    pub listed: Vec<FieldError>,
    /// The number of errors, listed or not.
    pub count: usize,
}

impl FieldErrors {
    /// The most errors that are listed; further ones are only counted (contract §4). A body of a megabyte can contain
    /// some hundred thousand errors, and the response would be many times as large.
    pub const MAX_LISTED: usize = 100;

    /// Whether there is no error.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl From<FieldError> for FieldErrors {
    fn from(error: FieldError) -> Self {
        Self { listed: vec![error], count: 1 }
    }
}
