//! Errors and warnings found while reading a request. Errors refuse it; warnings do not.

use crate::domain::{ParseError, Warning};
use crate::http::problem::field_error::{FieldError, FieldErrors};
use crate::http::problem::pointer::Pointer;

/// Collects everything that is found in a request, so that a client learns all of it at once.
#[derive(Debug, Default)]
pub struct Diagnostics {
    /// Errors; the request is refused if there are any.
    pub errors: FieldErrors,
    /// Warnings.
    pub warnings: Vec<Warning>,
}

impl Diagnostics {
    /// The most warnings that are listed. The bound is needed because clients decide how many there are, and warnings are
    /// stored.
    pub const MAX_WARNINGS: usize = 100;

    /// Whether no further warning will be listed, so that none needs to be composed.
    #[must_use]
    pub fn is_full_of_warnings(&self) -> bool {
        self.warnings.len() >= Self::MAX_WARNINGS
    }

    /// Whether no further error will be listed.
    #[must_use]
    pub fn is_full_of_errors(&self) -> bool {
        self.errors.listed.len() >= FieldErrors::MAX_LISTED
    }

    /// Adds an error at a position in the body.
    pub fn error(&mut self, at: &Pointer<'_>, error: ParseError) {
        self.add(|| FieldError::in_body(at, error));
    }

    /// Adds an error of a query parameter.
    pub fn parameter_error(&mut self, parameter: &str, error: ParseError) {
        self.add(|| FieldError::in_query(parameter, error));
    }

    fn add(&mut self, error: impl FnOnce() -> FieldError) {
        self.errors.count += 1;
        if !self.is_full_of_errors() {
            self.errors.listed.push(error());
        }
    }

    /// Adds a warning about the body.
    pub fn warn(&mut self, at: &Pointer<'_>, code: &str, detail: String) {
        if !self.is_full_of_warnings() {
            self.warnings.push(Warning { code: code.to_owned(), pointer: at.to_string(), detail });
        }
    }
}

/// A name from a client for use in a message: at most 64 characters, control characters replaced. NUL cannot be stored,
/// and JSON writes each other control character as six.
#[must_use]
pub fn printable(name: &str) -> String {
    name.chars().take(64).map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// The known name that is most similar to `name`, if any is similar enough to be meant.
#[must_use]
pub fn nearest_name<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    // Much longer than any known name: comparing it would only cost time.
    if name.len() > 64 {
        return None;
    }
    let plain = |name: &str| name.replace(['_', '-', ' '], "").to_lowercase();
    let name = plain(name);
    let length = name.chars().count();
    known
        .iter()
        .filter_map(|&candidate| {
            let max_distance = 1 + candidate.len() / 5;
            let plain_length = candidate.len() - candidate.matches('_').count();
            // The distance is at least the difference of the lengths: comparing them would only cost time.
            if length.abs_diff(plain_length) > max_distance {
                return None;
            }
            let distance = strsim::damerau_levenshtein(&name, &plain(candidate));
            (distance <= max_distance).then_some((distance, candidate))
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
        assert_eq!(nearest_name("totalAmount", &known), Some("total_amount"));
        assert_eq!(nearest_name("total_amuont", &known), Some("total_amount"));
        assert_eq!(nearest_name("kind", &known), None);
    }
}
