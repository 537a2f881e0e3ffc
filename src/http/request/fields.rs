//! Reads a JSON object member by member and collects all errors instead of stopping at the first one.
#![expect(clippy::redundant_closure_for_method_calls, reason = "a method's own lifetimes are not general enough")]

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::diagnostics::{Diagnostics, nearest_name, printable};
use super::value::Value;
use crate::domain::json::{FirstElements, Members};
use crate::domain::{FieldMappings, OffsetTimestamp, ParseError};
use crate::http::problem::pointer::Pointer;

/// The most unknown names that an error lists.
const MAX_NAMES: usize = 3;

/// The members of one object, taken out by name. A member that is `null` counts as absent (contract §2).
pub struct Fields<'a, 'p, 'r> {
    members: Members<'a>,
    at: Pointer<'p>,
    known: Vec<&'static str>,
    diagnostics: &'r mut Diagnostics,
}

impl<'a, 'p, 'r> Fields<'a, 'p, 'r> {
    /// Reads an object. `read` takes the members that it knows; each remaining member becomes a warning. An object
    /// whose members are all unknown is refused, because it would be stored as an empty one.
    pub fn read<T>(mut value: Value<'a, 'p, 'r>, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let members = value.decode::<Members<'a>>("an object", b'{')?;
        let Value { at, diagnostics, .. } = value;
        for name in &members.duplicates {
            let detail = "appears more than once; JSON does not define which one counts, so send it once";
            diagnostics.error(&Pointer::Member(&at, &printable(name)), ParseError::new("duplicate_member", detail));
        }
        let count = members.by_name.len();
        let mut fields = Self { members, at, known: Vec::new(), diagnostics };
        let result = read(&mut fields);
        if count > 0 && fields.members.by_name.len() == count {
            fields.refuse_unknown_shape();
        } else {
            fields.warn_of_unknown_members();
        }
        Some(result)
    }

    /// Refuses an object without a member. Called before the member is read.
    pub fn require(&mut self, name: &'static str, advice: &str) {
        if self.members.by_name.get(name).is_none_or(|raw| raw.get() == "null") {
            let error = ParseError::new("required", format!("is missing; {advice}"));
            self.diagnostics.error(&Pointer::Member(&self.at, name), error);
        }
    }

    /// A string member that parses into `T`.
    pub fn text<T: FromStr<Err = ParseError>>(&mut self, name: &'static str) -> Option<T> {
        self.member(name, |value| value.text())
    }

    /// A number member that parses into `T` from its digits.
    pub fn number<T: FromStr<Err = ParseError>>(&mut self, name: &'static str) -> Option<T> {
        self.member(name, |value| value.number())
    }

    /// A member that is `true` or `false`.
    pub fn boolean(&mut self, name: &'static str) -> Option<bool> {
        self.member(name, |value| value.boolean())
    }

    /// An object member, as it was written.
    pub fn object(&mut self, name: &'static str) -> Option<Box<RawValue>> {
        self.member(name, |value| value.object())
    }

    /// A date-time member with its written offset.
    pub fn offset_timestamp(&mut self, name: &'static str) -> Option<OffsetTimestamp> {
        self.member(name, |value| value.offset_timestamp())
    }

    /// A date-time member of which only the instant matters.
    pub fn instant(&mut self, name: &'static str) -> Option<DateTime<Utc>> {
        self.offset_timestamp(name).map(OffsetTimestamp::instant)
    }

    /// An object member with any content.
    pub fn field_mappings(&mut self, name: &'static str) -> Option<FieldMappings> {
        self.member(name, |mut value| {
            if !value.starts_with(b'{') {
                return value.wrong_type("an object");
            }
            let parsed = FieldMappings::parse(value.raw);
            value.report(parsed)
        })
    }

    /// An array member of at most `max` elements, each read by `read`. An array that is too long is one error, not
    /// thousands.
    pub fn list<T>(
        &mut self,
        name: &'static str,
        max: usize,
        mut read: impl FnMut(Value<'a, '_, '_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.member(name, |mut value| {
            let FirstElements { kept: elements, count } =
                value.decode_with("an array", b'[', |array| FirstElements::read(array, max))?;
            if count > max {
                let detail = format!("{count} elements; at most {max} are allowed");
                return value.report(Err(ParseError::new("too_many_items", detail)));
            }
            let Value { at, diagnostics, .. } = value;
            // Every element is read before the results are combined, so that every error is found.
            let read: Vec<Option<T>> = elements
                .iter()
                .enumerate()
                .map(|(index, &raw)| {
                    read(Value { raw, at: Pointer::Element(&at, index), diagnostics: &mut *diagnostics })
                })
                .collect();
            read.into_iter().collect()
        })
    }

    /// As [`list`](Self::list), of at least one element.
    pub fn filled_list<T>(
        &mut self,
        name: &'static str,
        max: usize,
        read: impl FnMut(Value<'a, '_, '_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let list = self.list(name, max, read)?;
        if list.is_empty() {
            let error = ParseError::new("empty", "is an empty array; it needs at least one element");
            self.diagnostics.error(&Pointer::Member(&self.at, name), error);
            return None;
        }
        Some(list)
    }

    fn member<T>(&mut self, name: &'static str, read: impl FnOnce(Value<'a, '_, '_>) -> Option<T>) -> Option<T> {
        self.known.push(name);
        let raw = self.members.by_name.remove(name).filter(|raw| raw.get() != "null")?;
        read(Value { raw, at: Pointer::Member(&self.at, name), diagnostics: &mut *self.diagnostics })
    }

    fn refuse_unknown_shape(self) {
        let names = &self.members.by_name;
        // The search for the nearest name is the most expensive step: skipped for an error that is only counted.
        let max = if self.diagnostics.is_full_of_errors() { 0 } else { MAX_NAMES };
        let listed: Vec<_> = names
            .keys()
            .take(max)
            .map(|name| {
                let hint = nearest_name(name, &self.known).map(|known| format!(" (did you mean `{known}`?)"));
                format!("`{}`{}", printable(name), hint.unwrap_or_default())
            })
            .collect();
        let listed = listed.join(", ");
        let more = match names.len().saturating_sub(max) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        // Once per response: there are many line items, and the list is long.
        let known = match self.at {
            Pointer::Root => format!("; known members: {}", self.known.join(", ")),
            _ => String::new(),
        };
        let detail = format!("has no known member, only {listed}{more}{known}");
        self.diagnostics.error(&self.at, ParseError::new("no_known_member", detail));
    }

    fn warn_of_unknown_members(self) {
        for name in self.members.by_name.keys() {
            // The search for the nearest name is the most expensive step, and clients may send any number of names.
            if self.diagnostics.is_full_of_warnings() {
                break;
            }
            let printable = printable(name);
            let hint = nearest_name(name, &self.known).map(|known| format!("; did you mean `{known}`?"));
            let hint = hint.unwrap_or_default();
            let detail = format!("`{printable}` is not a known member and was ignored{hint}");
            self.diagnostics.warn(&Pointer::Member(&self.at, &printable), "unknown_member", detail);
        }
    }
}
