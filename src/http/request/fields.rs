//! Reads a JSON object member by member and collects what is wrong instead of stopping at the first fault.
#![expect(clippy::redundant_closure_for_method_calls, reason = "a method's own lifetimes are not general enough")]

use std::borrow::Cow;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::diagnostics::{Diagnostics, nearest, shown};
use crate::domain::free_text::refuse_nul;
use crate::domain::json::{FirstElements, Members};
use crate::domain::{FieldMappings, OffsetTimestamp, ParseError};
use crate::http::problem::pointer::Pointer;

/// The most unknown names that a fault tells of.
const SHOWN_NAMES: usize = 3;

/// The members of one object, taken out by name. Absent and `null` are the same (contract §2).
pub struct Fields<'a, 'p, 'r> {
    members: Members<'a>,
    at: Pointer<'p>,
    asked: Vec<&'static str>,
    report: &'r mut Diagnostics,
}

impl<'a, 'p, 'r> Fields<'a, 'p, 'r> {
    /// Reads an object: `read` takes the members that it knows; what it leaves becomes a warning each. An object that
    /// has members of which none is known has a foreign shape: it is refused, for it would be kept as an empty one.
    pub fn read<T>(mut value: Value<'a, 'p, 'r>, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let members = value.decode::<Members<'a>>("an object", b'{')?;
        let Value { at, report, .. } = value;
        for name in &members.duplicates {
            let detail = "stands more than once; which one counts is not defined, so send it once";
            report.fault(&Pointer::Member(&at, &shown(name)), ParseError::new("duplicate_member", detail));
        }
        let count = members.by_name.len();
        let mut fields = Self { members, at, asked: Vec::new(), report };
        let result = read(&mut fields);
        if count > 0 && fields.members.by_name.len() == count {
            fields.refuse_foreign_shape();
        } else {
            fields.warn_of_the_rest();
        }
        Some(result)
    }

    /// A string member that parses into `T`.
    pub fn text<T: FromStr<Err = ParseError>>(&mut self, name: &'static str) -> Option<T> {
        self.member(name, |value| value.text())
    }

    /// A number member that parses into `T` from its digits.
    pub fn number<T: FromStr<Err = ParseError>>(&mut self, name: &'static str) -> Option<T> {
        self.member(name, |value| value.number())
    }

    /// A date-time member with the offset that was written.
    pub fn offset_timestamp(&mut self, name: &'static str) -> Option<OffsetTimestamp> {
        self.member(name, |value| value.offset_timestamp())
    }

    /// A date-time member of which only the instant matters.
    pub fn instant(&mut self, name: &'static str) -> Option<DateTime<Utc>> {
        self.offset_timestamp(name).map(OffsetTimestamp::instant)
    }

    /// An object member of any content.
    pub fn field_mappings(&mut self, name: &'static str) -> Option<FieldMappings> {
        self.member(name, |mut value| {
            if !value.starts_with(b'{') {
                return value.wrong_type("an object");
            }
            let parsed = FieldMappings::parse(value.raw);
            value.accept(parsed)
        })
    }

    /// An array member of at most `max` elements, each read by `read`. Too long an array is one fault, not thousands.
    pub fn list<T>(
        &mut self,
        name: &'static str,
        max: usize,
        mut read: impl FnMut(Value<'a, '_, '_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.member(name, |mut value| {
            let FirstElements { kept: elements, count } =
                value.decode_by("an array", b'[', |array| FirstElements::read(array, max))?;
            if count > max {
                let detail = format!("{count} elements; at most {max} are allowed");
                return value.accept(Err(ParseError::new("too_many_items", detail)));
            }
            let Value { at, report, .. } = value;
            // No short circuit: every element is read, so that every fault is found.
            let read: Vec<Option<T>> = elements
                .iter()
                .enumerate()
                .map(|(index, &raw)| read(Value { raw, at: Pointer::Element(&at, index), report: &mut *report }))
                .collect();
            read.into_iter().collect()
        })
    }

    fn member<T>(&mut self, name: &'static str, read: impl FnOnce(Value<'a, '_, '_>) -> Option<T>) -> Option<T> {
        self.asked.push(name);
        let raw = self.members.by_name.remove(name).filter(|raw| raw.get() != "null")?;
        read(Value { raw, at: Pointer::Member(&self.at, name), report: &mut *self.report })
    }

    fn refuse_foreign_shape(self) {
        let names = &self.members.by_name;
        // To look for the nearest name costs more than all else: not for a fault that is only counted.
        let most = if self.report.is_full_of_faults() { 0 } else { SHOWN_NAMES };
        let told = names.keys().take(most).map(|name| {
            let hint =
                nearest(name, &self.asked).map(|known| format!(" (did you mean `{known}`?)")).unwrap_or_default();
            format!("`{}`{hint}", shown(name))
        });
        let told = told.collect::<Vec<_>>().join(", ");
        let more = names.len().saturating_sub(most);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        // Once an answer: there are many line items, and the list is long.
        let known = match self.at {
            Pointer::Root => format!("; known are: {}", self.asked.join(", ")),
            _ => String::new(),
        };
        let detail = format!("has no member that is known here, only {told}{more}{known}");
        self.report.fault(&self.at, ParseError::new("no_known_member", detail));
    }

    fn warn_of_the_rest(self) {
        for name in self.members.by_name.keys() {
            // To look for the nearest name costs more than all else, and the number of names is the client's.
            if self.report.is_full_of_warnings() {
                break;
            }
            let shown = shown(name);
            let hint = nearest(name, &self.asked).map(|known| format!("; did you mean `{known}`?")).unwrap_or_default();
            let detail = format!("`{shown}` is not a member here and was ignored{hint}");
            self.report.warn(&Pointer::Member(&self.at, &shown), "unknown_member", detail);
        }
    }
}

/// One JSON value, where it is, and where to report what is wrong with it.
pub struct Value<'a, 'p, 'r> {
    raw: &'a RawValue,
    at: Pointer<'p>,
    report: &'r mut Diagnostics,
}

impl<'a, 'r> Value<'a, '_, 'r> {
    /// The whole document.
    pub fn document(raw: &'a RawValue, report: &'r mut Diagnostics) -> Self {
        Self { raw, at: Pointer::Root, report }
    }

    /// A string that parses into `T`.
    #[must_use]
    pub fn text<T: FromStr<Err = ParseError>>(mut self) -> Option<T> {
        let text = self.string()?;
        let parsed = refuse_nul(&text).and_then(|()| text.parse());
        self.accept(parsed)
    }

    /// A number that parses into `T` from its digits.
    #[must_use]
    pub fn number<T: FromStr<Err = ParseError>>(mut self) -> Option<T> {
        match self.raw.get().as_bytes().first() {
            Some(b'-' | b'0'..=b'9') => {
                let parsed = self.raw.get().parse();
                self.accept(parsed)
            }
            _ => self.wrong_type("a number"),
        }
    }

    fn offset_timestamp(mut self) -> Option<OffsetTimestamp> {
        let text = self.string()?;
        let parsed = OffsetTimestamp::parse(&text);
        let (time, assumed) = self.accept(parsed)?;
        if assumed.utc {
            self.report.warn(&self.at, "date_without_offset", "has no offset and was read as UTC".to_owned());
        }
        if assumed.microseconds {
            let detail = "is finer than a microsecond; the digits after the sixth were dropped";
            self.report.warn(&self.at, "date_too_fine", detail.to_owned());
        }
        Some(time)
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        self.decode::<Cow<'a, str>>("a string", b'"')
    }

    /// Decodes a value whose first byte must be `first`. The document is well formed, so what can still fail is a
    /// string that is not Unicode.
    fn decode<T: serde::Deserialize<'a>>(&mut self, expected: &str, first: u8) -> Option<T> {
        self.decode_by(expected, first, |raw| serde_json::from_str(raw.get()))
    }

    fn decode_by<T>(
        &mut self,
        expected: &str,
        first: u8,
        decode: impl FnOnce(&'a RawValue) -> serde_json::Result<T>,
    ) -> Option<T> {
        if !self.starts_with(first) {
            return self.wrong_type(expected);
        }
        let decoded = decode(self.raw).map_err(|_| {
            ParseError::new("invalid_string", "holds a text that is not Unicode (half of a surrogate pair)")
        });
        self.accept(decoded)
    }

    fn starts_with(&self, first: u8) -> bool {
        self.raw.get().as_bytes().first() == Some(&first)
    }

    fn wrong_type<T>(&mut self, expected: &str) -> Option<T> {
        let found = match self.raw.get().as_bytes().first() {
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            _ => "a number",
        };
        self.accept(Err(ParseError::new("wrong_type", format!("expected {expected}, found {found}"))))
    }

    fn accept<T>(&mut self, parsed: Result<T, ParseError>) -> Option<T> {
        parsed.map_err(|refusal| self.report.fault(&self.at, refusal)).ok()
    }
}
