//! The query of a request: strict, and every fault at once.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::error::Error;
use super::report::{Report, nearest};
use crate::domain::{Refusal, WrittenTime};

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
    by_name: BTreeMap<String, String>,
    asked: Vec<&'static str>,
    report: Report,
}

impl Parameters {
    fn split(query: &str) -> Self {
        let mut parameters = Self { by_name: BTreeMap::new(), asked: Vec::new(), report: Report::default() };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let (name, value) = (name.into_owned(), value.into_owned());
            // What percent-decoding could not read as UTF-8 has become U+FFFD.
            if value.contains('\u{fffd}') {
                let refusal = Refusal::new("invalid_string", "is not UTF-8 after percent-decoding");
                parameters.report.parameter_fault(&name, refusal);
                continue;
            }
            match parameters.by_name.entry(name) {
                Entry::Vacant(free) => {
                    free.insert(value);
                }
                Entry::Occupied(taken) => {
                    let refusal = Refusal::new("duplicate_parameter", "stands more than once");
                    parameters.report.parameter_fault(taken.key(), refusal);
                }
            }
        }
        parameters
    }

    /// A parameter that parses into `T`.
    pub fn take<T: FromStr<Err = Refusal>>(&mut self, name: &'static str) -> Option<T> {
        self.take_with(name, str::parse)
    }

    /// A parameter that is a date or a date-time, as the instant.
    pub fn instant(&mut self, name: &'static str) -> Option<chrono::DateTime<chrono::Utc>> {
        self.take_with(name, |text| {
            // A `+` in a query is a space; an offset that was not percent-encoded arrives like that.
            WrittenTime::parse(&text.replace(' ', "+")).map(|(time, _)| time.instant())
        })
    }

    /// `true` or `false`, nothing else: `?remote_data=false` once counted as true (contract §3).
    pub fn boolean(&mut self, name: &'static str) -> bool {
        self.take_with(name, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Refusal::new("invalid_boolean", "write `true` or `false`")),
        })
        .unwrap_or(false)
    }

    /// A parameter that `parse` reads.
    fn take_with<T>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, Refusal>) -> Option<T> {
        self.asked.push(name);
        let text = self.by_name.remove(name)?;
        parse(&text).map_err(|refusal| self.report.parameter_fault(name, refusal)).ok()
    }

    fn finish(mut self) -> Report {
        for name in self.by_name.keys() {
            if self.report.is_full_of_faults() {
                break;
            }
            let shown: String = name.chars().take(64).collect();
            let hint = match nearest(name, &self.asked) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("known are: {}", self.asked.join(", ")),
            };
            self.report
                .parameter_fault(&shown, Refusal::new("unknown_parameter", format!("is not known here; {hint}")));
        }
        self.report
    }
}
