//! What reading a request found: faults, which refuse it, and warnings, which do not.

use std::fmt::Display;

use serde::Serialize;
use utoipa::ToSchema;

use super::pointer::Pointer;
use crate::domain::{Refusal, Warning};

/// One thing that is wrong with a request, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
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
    /// Stable code, listed in `docs/api.md`.
    #[schema(example = "wrong_type")]
    pub code: &'static str,
    /// What is wrong and what would be right.
    #[schema(example = "expected a number, found a string")]
    pub detail: String,
}

impl Fault {
    /// A fault at a place of the body, given as a JSON pointer.
    pub fn in_body(pointer: impl Display, refusal: Refusal) -> Self {
        Self { pointer: Some(pointer.to_string()), ..Self::nowhere(refusal) }
    }

    /// A fault of a query parameter.
    pub fn in_query(parameter: impl Into<String>, refusal: Refusal) -> Self {
        Self { parameter: Some(parameter.into()), ..Self::nowhere(refusal) }
    }

    /// A fault of a request header.
    #[must_use]
    pub fn in_header(header: &'static str, refusal: Refusal) -> Self {
        Self { header: Some(header), ..Self::nowhere(refusal) }
    }

    fn nowhere(Refusal { code, detail }: Refusal) -> Self {
        Self { pointer: None, parameter: None, header: None, code, detail }
    }
}

/// What is wrong with a request: the first faults, and how many there are.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Faults {
    /// The first, at most [`Report::MAX_FAULTS`].
    pub listed: Vec<Fault>,
    /// How many were found, listed or not.
    pub count: usize,
}

impl Faults {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self { listed: vec![fault], count: 1 }
    }
}

/// Collects everything that reading a request finds, so that a client learns all of it at once.
#[derive(Debug, Default)]
pub struct Report {
    /// What refuses the request.
    pub faults: Faults,
    /// What does not.
    pub warnings: Vec<Warning>,
}

impl Report {
    /// More warnings than this are not listed: warnings are stored with a payment, and their number is the client's.
    pub const MAX_WARNINGS: usize = 100;
    /// More faults than this are counted but not listed (contract §4): a body of a megabyte has room for some hundred
    /// thousand, and the answer would be many times as large.
    pub const MAX_FAULTS: usize = 100;

    /// Whether no further warning will be listed, so that none need be put into words.
    #[must_use]
    pub fn is_full_of_warnings(&self) -> bool {
        self.warnings.len() >= Self::MAX_WARNINGS
    }

    /// Whether no further fault will be listed.
    #[must_use]
    pub fn is_full_of_faults(&self) -> bool {
        self.faults.listed.len() >= Self::MAX_FAULTS
    }

    /// Adds a fault of the body.
    pub fn fault(&mut self, at: &Pointer<'_>, refusal: Refusal) {
        self.add(|| Fault::in_body(at, refusal));
    }

    /// Adds a fault of the query.
    pub fn parameter_fault(&mut self, parameter: &str, refusal: Refusal) {
        self.add(|| Fault::in_query(parameter, refusal));
    }

    fn add(&mut self, fault: impl FnOnce() -> Fault) {
        self.faults.count += 1;
        if !self.is_full_of_faults() {
            self.faults.listed.push(fault());
        }
    }

    /// Adds a warning about the body.
    pub fn warn(&mut self, at: &Pointer<'_>, code: &str, detail: String) {
        if !self.is_full_of_warnings() {
            self.warnings.push(Warning { code: code.to_owned(), pointer: at.to_string(), detail });
        }
    }
}

/// A client's name for something, cut to 64 characters, its control characters replaced: NUL cannot be stored, and
/// JSON writes the others six times as long.
#[must_use]
pub fn shown(name: &str) -> String {
    name.chars().take(64).map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// The one of `known` that is nearest to `name`, if any is near enough to be what was meant.
#[must_use]
pub fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    // Longer than any known name by far; comparing it would only cost time.
    if name.len() > 64 {
        return None;
    }
    let plain = |name: &str| name.replace(['_', '-', ' '], "").to_lowercase();
    let name = plain(name);
    let length = name.chars().count();
    known
        .iter()
        .filter_map(|&candidate| {
            let most = 1 + candidate.len() / 5;
            let plain_length = candidate.len() - candidate.matches('_').count();
            // Names of so different lengths are further apart than that; comparing them would only cost time.
            if length.abs_diff(plain_length) > most {
                return None;
            }
            let distance = strsim::damerau_levenshtein(&name, &plain(candidate));
            (distance <= most).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelled_name_finds_the_nearest_one() {
        let known = ["total_amount", "transaction_date", "type"];
        assert_eq!(nearest("totalAmount", &known), Some("total_amount"));
        assert_eq!(nearest("total_amuont", &known), Some("total_amount"));
        assert_eq!(nearest("kind", &known), None);
    }
}
