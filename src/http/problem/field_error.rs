//! What is wrong with one part of a request, and where.

use std::fmt::Display;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::ParseError;

/// One thing that is wrong with a request, and where.
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
    #[schema(example = "wrong_type")]
    pub code: &'static str,
    /// What is wrong and what would be right.
    #[schema(example = "expected a number, found a string")]
    pub detail: String,
}

impl FieldError {
    /// A fault at a place of the body, given as a JSON pointer.
    pub fn in_body(pointer: impl Display, refusal: ParseError) -> Self {
        Self { pointer: Some(pointer.to_string()), ..Self::nowhere(refusal) }
    }

    /// A fault of a query parameter.
    pub fn in_query(parameter: impl Into<String>, refusal: ParseError) -> Self {
        Self { parameter: Some(parameter.into()), ..Self::nowhere(refusal) }
    }

    /// A fault of a request header.
    #[must_use]
    pub fn in_header(header: &'static str, refusal: ParseError) -> Self {
        Self { header: Some(header), ..Self::nowhere(refusal) }
    }

    fn nowhere(ParseError { code, detail }: ParseError) -> Self {
        Self { pointer: None, parameter: None, header: None, code, detail }
    }
}

/// What is wrong with a request: the first faults, and how many there are.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct FieldErrors {
    /// The first, at most [`FieldErrors::MAX_LISTED`].
    pub listed: Vec<FieldError>,
    /// How many were found, listed or not.
    pub count: usize,
}

impl FieldErrors {
    /// More than this are counted but not listed (contract §4): a body of a megabyte has room for some hundred
    /// thousand, and the answer would be many times as large.
    pub const MAX_LISTED: usize = 100;

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl From<FieldError> for FieldErrors {
    fn from(fault: FieldError) -> Self {
        Self { listed: vec![fault], count: 1 }
    }
}
