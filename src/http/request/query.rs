//! The query of a request: read strictly, with all errors at once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde::de::value::StrDeserializer;

use super::diagnostics::{Diagnostics, nearest_name, printable};
use crate::domain::{DateOrMoment, ParseError};
use crate::http::problem::error::Error;

/// A value that can be read from a query.
pub trait FromQuery: Sized {
    /// Takes the parameters that it knows out of `parameters`, which collects their errors.
    fn read(parameters: &mut Parameters) -> Self;
}

/// The query of a call that has no parameters.
#[derive(Debug, Clone, Copy)]
pub struct NoParameters;

impl FromQuery for NoParameters {
    fn read(_: &mut Parameters) -> Self {
        Self
    }
}

/// Extracts the query as `T`. An unknown parameter is an error: a misspelt filter must not list everything.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: FromQuery, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// Reads a whole query: the text after the `?`.
///
/// # Errors
/// [`Error::InvalidQuery`] with all errors.
pub fn parse<T: FromQuery>(query: &str) -> Result<T, Error> {
    let mut parameters = Parameters::split(query);
    let value = T::read(&mut parameters);
    let errors = parameters.finish().errors;
    if errors.is_empty() { Ok(value) } else { Err(Error::InvalidQuery(errors)) }
}

/// The parameters of one query, taken out by name.
pub struct Parameters {
    by_name: BTreeMap<String, Parameter>,
    known: Vec<&'static str>,
    diagnostics: Diagnostics,
}

/// The value of one parameter.
struct Parameter {
    /// Percent-decoded, with `+` read as a space (WHATWG URL, `application/x-www-form-urlencoded`).
    text: Result<String, ParseError>,
    /// Whether the client certainly encoded it: no `+`, and every `%` starts an escape.
    is_encoded: bool,
    /// Whether the name appears more than once.
    is_repeated: bool,
}

impl Parameter {
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
        let mut parameters = Self { by_name: BTreeMap::new(), known: Vec::new(), diagnostics: Diagnostics::default() };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = percent_decode_str(&name.replace('+', " ")).decode_utf8_lossy().into_owned();
            match parameters.by_name.entry(name) {
                Entry::Vacant(free) => {
                    free.insert(Parameter::read(value));
                }
                // One error, however many times it appears.
                Entry::Occupied(mut taken) => {
                    if !std::mem::replace(&mut taken.get_mut().is_repeated, true) {
                        let error = ParseError::new("duplicate_parameter", "appears more than once");
                        parameters.diagnostics.parameter_error(&printable(taken.key()), error);
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

    /// A parameter that parses into `T` and must be percent-encoded. Without encoding, `+` and `%` could be decoded into a
    /// different value, and the client would get the answer for that one.
    pub fn take_exact<T: FromStr<Err = ParseError>>(&mut self, name: &'static str) -> Option<T> {
        if self.by_name.get(name).is_some_and(|parameter| !parameter.is_encoded) {
            self.known.push(name);
            self.by_name.remove(name);
            let detail = "is not percent-encoded; write a plus as `%2B`, a space as `%20` and a percent sign as `%25`";
            self.diagnostics.parameter_error(name, ParseError::new("not_percent_encoded", detail));
            return None;
        }
        self.take(name)
    }

    /// A parameter that is a date or a date-time.
    pub fn date_or_moment(&mut self, name: &'static str) -> Option<DateOrMoment> {
        self.take_with(name, |text| time_text(text).parse())
    }

    /// A parameter that is `true` or `false`, nothing else: `?remote_data=false` once meant true (contract §3).
    pub fn boolean(&mut self, name: &'static str) -> bool {
        self.optional_boolean(name).unwrap_or(false)
    }

    /// A parameter that is `true` or `false`, where its absence is neither.
    pub fn optional_boolean(&mut self, name: &'static str) -> Option<bool> {
        self.take_with(name, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(ParseError::new("invalid_boolean", "write `true` or `false`")),
        })
    }

    /// A parameter that is one of the names of an enumeration.
    pub fn one_of<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        self.take_with(name, |text| {
            T::deserialize(StrDeserializer::<serde::de::value::Error>::new(text)).map_err(|error| {
                let error = error.to_string();
                // serde's list of the names, without the text that was sent.
                let names = error.rsplit_once(", expected ").map_or("another text", |(_, names)| names);
                ParseError::new("unknown_value", format!("expected {names}"))
            })
        })
    }

    /// A parameter that `parse` accepts.
    fn take_with<T>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, ParseError>) -> Option<T> {
        self.known.push(name);
        let text = self.by_name.remove(name)?.text;
        text.and_then(|text| parse(&text)).map_err(|error| self.diagnostics.parameter_error(name, error)).ok()
    }

    fn finish(mut self) -> Diagnostics {
        let mut known = (!self.known.is_empty()).then(|| self.known.join(", "));
        for name in self.by_name.keys() {
            // The search for the nearest name is the most expensive step: skipped for an error that is only counted.
            let is_full = self.diagnostics.is_full_of_errors();
            let hint = match (!is_full).then(|| nearest_name(name, &self.known)).flatten() {
                Some(known) => format!("; did you mean `{known}`?"),
                // Once per response, because the list is long.
                None => known.take().map(|known| format!("; known parameters: {known}")).unwrap_or_default(),
            };
            let detail = format!("unknown parameter{hint}");
            self.diagnostics.parameter_error(&printable(name), ParseError::new("unknown_parameter", detail));
        }
        self.diagnostics
    }
}

/// Restores a time after form decoding, which turns `+` into a space. The space after the ten characters of the date
/// means `T`, as in bodies; any other was the `+` of an offset.
fn time_text(text: &str) -> String {
    let end_of_date = "2024-06-15".len();
    text.char_indices()
        .map(|(at, character)| match character {
            ' ' if at == end_of_date => 'T',
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
