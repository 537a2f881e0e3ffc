//! The error of every parser in this folder.

/// Why a text is not a valid value: a stable code for programs and a sentence for people. The reader of the body or query
/// adds *where*, because the value itself cannot know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ParseError {
    /// Stable and documented in `docs/api/errors.md`, for example `out_of_range`.
    pub code: &'static str,
    /// What is wrong and what would be valid.
    pub detail: String,
}

impl ParseError {
    /// An error with its code and its sentence.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}
