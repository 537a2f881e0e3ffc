//! What reading a request found: faults, which refuse it, and warnings, which do not.

use crate::domain::{ParseError, Warning};
use crate::http::problem::field_error::{FieldError, FieldErrors};
use crate::http::problem::pointer::Pointer;

/// Collects everything that reading a request finds, so that a client learns all of it at once.
#[derive(Debug, Default)]
pub struct Diagnostics {
    /// What refuses the request.
    pub faults: FieldErrors,
    /// What does not.
    pub warnings: Vec<Warning>,
}

impl Diagnostics {
    /// More warnings than this are not listed: warnings are stored with a payment, and their number is the client's.
    pub const MAX_WARNINGS: usize = 100;

    /// Whether no further warning will be listed, so that none need be put into words.
    #[must_use]
    pub fn is_full_of_warnings(&self) -> bool {
        self.warnings.len() >= Self::MAX_WARNINGS
    }

    /// Whether no further fault will be listed.
    #[must_use]
    pub fn is_full_of_faults(&self) -> bool {
        self.faults.listed.len() >= FieldErrors::MAX_LISTED
    }

    /// Adds a fault of the body.
    pub fn fault(&mut self, at: &Pointer<'_>, refusal: ParseError) {
        self.add(|| FieldError::in_body(at, refusal));
    }

    /// Adds a fault of the query.
    pub fn parameter_fault(&mut self, parameter: &str, refusal: ParseError) {
        self.add(|| FieldError::in_query(parameter, refusal));
    }

    fn add(&mut self, fault: impl FnOnce() -> FieldError) {
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
