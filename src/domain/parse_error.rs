//! Why a text is not the value that it should be.

/// A refusal: a stable code for programs and a sentence for people. *Where* it happened is added by who reads the
/// body or the query, because the value itself cannot know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ParseError {
    /// Stable and documented in `docs/api/errors.md`, for example `out_of_range`.
    pub code: &'static str,
    /// What is wrong and what would be right.
    pub detail: String,
}

impl ParseError {
    /// A refusal with its code and its sentence.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}
