//! The query of a request: strict, and every fault at once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;

use super::diagnostics::{Diagnostics, nearest, shown};
use crate::domain::{DateOrMoment, ParseError};
use crate::http::problem::error::Error;

/// What a query can mean.
pub trait FromQuery: Sized {
    /// Takes the parameters that it knows out of `parameters`, which collects what is wrong with them.
    fn read(parameters: &mut Parameters) -> Self;
}

/// Extracts the query as `T`. An unknown parameter is a fault: a misspelt filter must not list everything.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: FromQuery, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// Reads a whole query, what stands behind the `?`.
///
/// # Errors
/// [`Error::InvalidQuery`] with every fault.
pub fn parse<T: FromQuery>(query: &str) -> Result<T, Error> {
    let mut parameters = Parameters::split(query);
    let value = T::read(&mut parameters);
    let faults = parameters.finish().faults;
    if faults.is_empty() { Ok(value) } else { Err(Error::InvalidQuery(faults)) }
}

/// The parameters of one query, taken out by name.
pub struct Parameters {
    by_name: BTreeMap<String, Written>,
    asked: Vec<&'static str>,
    report: Diagnostics,
}

/// A parameter's value.
struct Written {
    /// Percent-decoded, a `+` read as a blank (WHATWG URL, `application/x-www-form-urlencoded`).
    text: Result<String, ParseError>,
    /// Whether the client surely encoded it: no `+`, and every `%` begins an escape.
    is_encoded: bool,
    /// Whether the name stands more than once.
    is_repeated: bool,
}

impl Written {
    fn read(value: &str) -> Self {
        let text = percent_decode_str(&value.replace('+', " "))
            .decode_utf8()
            .map(Cow::into_owned)
            .map_err(|_| ParseError::new("invalid_string", "is not UTF-8 after percent-decoding"));
        let is_escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
        Self { text, is_encoded: !value.contains('+') && value.split('%').skip(1).all(is_escape), is_repeated: false }
    }
}

impl Parameters {
    fn split(query: &str) -> Self {
        let mut parameters = Self { by_name: BTreeMap::new(), asked: Vec::new(), report: Diagnostics::default() };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = percent_decode_str(&name.replace('+', " ")).decode_utf8_lossy().into_owned();
            match parameters.by_name.entry(name) {
                Entry::Vacant(free) => {
                    free.insert(Written::read(value));
                }
                // One fault, however often it stands there.
                Entry::Occupied(mut taken) => {
                    if !std::mem::replace(&mut taken.get_mut().is_repeated, true) {
                        let refusal = ParseError::new("duplicate_parameter", "stands more than once");
                        parameters.report.parameter_fault(&shown(taken.key()), refusal);
                    }
                }
            }
        }
        parameters
    }

    /// A parameter that parses into `T`.
    pub fn take<T: FromStr<Err = ParseError>>(&mut self, name: &'static str) -> Option<T> {
        self.take_with(name, str::parse)
    }

    /// A parameter that parses into `T` and may not be read as another text than the client meant: a client that does
    /// not percent-encode is refused rather than answered about another value.
    pub fn take_exact<T: FromStr<Err = ParseError>>(&mut self, name: &'static str) -> Option<T> {
        if self.by_name.get(name).is_some_and(|written| !written.is_encoded) {
            self.asked.push(name);
            self.by_name.remove(name);
            let detail = "is not percent-encoded; write a plus as `%2B`, a blank as `%20` and a percent sign as `%25`";
            self.report.parameter_fault(name, ParseError::new("not_percent_encoded", detail));
            return None;
        }
        self.take(name)
    }

    /// A parameter that is a date or a date-time.
    pub fn date_or_moment(&mut self, name: &'static str) -> Option<DateOrMoment> {
        self.take_with(name, |text| time_text(text).parse())
    }

    /// `true` or `false`, nothing else: `?remote_data=false` once counted as true (contract §3).
    pub fn boolean(&mut self, name: &'static str) -> bool {
        self.take_with(name, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(ParseError::new("invalid_boolean", "write `true` or `false`")),
        })
        .unwrap_or(false)
    }

    /// A parameter that `parse` reads.
    fn take_with<T>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, ParseError>) -> Option<T> {
        self.asked.push(name);
        let text = self.by_name.remove(name)?.text;
        text.and_then(|text| parse(&text)).map_err(|refusal| self.report.parameter_fault(name, refusal)).ok()
    }

    fn finish(mut self) -> Diagnostics {
        let mut known = Some(self.asked.join(", "));
        for name in self.by_name.keys() {
            // To look for the nearest name costs more than all else: not for a fault that is only counted.
            let nearest = if self.report.is_full_of_faults() { None } else { nearest(name, &self.asked) };
            let hint = match nearest {
                Some(known) => format!("; did you mean `{known}`?"),
                // Once an answer, for the list is long.
                None => known.take().map(|known| format!("; known are: {known}")).unwrap_or_default(),
            };
            let detail = format!("is not known here{hint}");
            self.report.parameter_fault(&shown(name), ParseError::new("unknown_parameter", detail));
        }
        self.report
    }
}

/// A time as it was written before form decoding, which turns `+` into a blank. The blank between date and time, which
/// bodies may have instead of `T`, stands behind ten characters; any other was the `+` of an offset.
fn time_text(text: &str) -> String {
    let between = "2024-06-15".len();
    text.char_indices()
        .map(|(at, character)| match character {
            ' ' if at == between => 'T',
            ' ' => '+',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_in_a_time_are_read_as_t_and_plus() {
        for (decoded, written) in [
            ("2024-06-15 12:00:00", "2024-06-15T12:00:00"),
            ("2024-06-15T12:00:00 02:00", "2024-06-15T12:00:00+02:00"),
            ("2024-06-15 12:00:00 02:00", "2024-06-15T12:00:00+02:00"),
            ("2024-06-15 12:00:00+02:00", "2024-06-15T12:00:00+02:00"),
            ("2024-06-15", "2024-06-15"),
        ] {
            assert_eq!(time_text(decoded), written);
        }
    }
}
