//! Reads one JSON value: checks its type, parses it, and reports what is wrong at its JSON pointer.

use std::borrow::Cow;
use std::str::FromStr;

use serde_json::value::RawValue;

use super::diagnostics::Diagnostics;
use crate::domain::free_text::refuse_nul;
use crate::domain::{OffsetTimestamp, ParseError};
use crate::http::problem::pointer::Pointer;

/// One JSON value, its position, and where its errors are reported.
pub struct Value<'a, 'p, 'r> {
    pub(super) raw: &'a RawValue,
    pub(super) at: Pointer<'p>,
    pub(super) diagnostics: &'r mut Diagnostics,
}

impl<'a, 'r> Value<'a, '_, 'r> {
    /// The whole document.
    pub fn document(raw: &'a RawValue, diagnostics: &'r mut Diagnostics) -> Self {
        Self { raw, at: Pointer::Root, diagnostics }
    }

    /// A string that parses into `T`.
    #[must_use]
    pub fn text<T: FromStr<Err = ParseError>>(mut self) -> Option<T> {
        let text = self.string()?;
        let parsed = refuse_nul(&text).and_then(|()| text.parse());
        self.report(parsed)
    }

    /// A number that parses into `T` from its digits.
    #[must_use]
    pub fn number<T: FromStr<Err = ParseError>>(mut self) -> Option<T> {
        match self.raw.get().as_bytes().first() {
            Some(b'-' | b'0'..=b'9') => {
                let parsed = self.raw.get().parse();
                self.report(parsed)
            }
            _ => self.wrong_type("a number"),
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(mut self) -> Option<bool> {
        match self.raw.get() {
            "true" => Some(true),
            "false" => Some(false),
            _ => self.wrong_type("a boolean"),
        }
    }

    /// An object, as it was written.
    pub(super) fn object(mut self) -> Option<Box<RawValue>> {
        if self.starts_with(b'{') { Some(self.raw.to_owned()) } else { self.wrong_type("an object") }
    }

    /// A date-time or a date, with a warning about each assumption.
    pub(super) fn offset_timestamp(mut self) -> Option<OffsetTimestamp> {
        let text = self.string()?;
        let parsed = OffsetTimestamp::parse(&text);
        let (time, assumed) = self.report(parsed)?;
        if assumed.utc {
            self.diagnostics.warn(&self.at, "date_without_offset", "has no offset and was read as UTC".to_owned());
        }
        if assumed.microseconds {
            let detail = "is finer than a microsecond; the digits after the sixth were dropped";
            self.diagnostics.warn(&self.at, "date_too_fine", detail.to_owned());
        }
        Some(time)
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        // Nearly every string is written without an escape. The document is well formed, so it needs no second parser.
        let written = self.raw.get().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        match written {
            Some(text) if !text.contains('\\') => Some(Cow::Borrowed(text)),
            _ => self.decode::<Cow<'a, str>>("a string", b'"'),
        }
    }

    /// Decodes a value whose first byte must be `first`. The document is well formed, so the only other error is a
    /// string that is not Unicode.
    pub(super) fn decode<T: serde::Deserialize<'a>>(&mut self, expected: &str, first: u8) -> Option<T> {
        self.decode_with(expected, first, |raw| serde_json::from_str(raw.get()))
    }

    pub(super) fn decode_with<T>(
        &mut self,
        expected: &str,
        first: u8,
        decode: impl FnOnce(&'a RawValue) -> serde_json::Result<T>,
    ) -> Option<T> {
        if !self.starts_with(first) {
            return self.wrong_type(expected);
        }
        let decoded = decode(self.raw).map_err(|_| {
            ParseError::new("invalid_string", "contains text that is not Unicode (an unpaired surrogate)")
        });
        self.report(decoded)
    }

    pub(super) fn starts_with(&self, first: u8) -> bool {
        self.raw.get().as_bytes().first() == Some(&first)
    }

    pub(super) fn wrong_type<T>(&mut self, expected: &str) -> Option<T> {
        let found = match self.raw.get().as_bytes().first() {
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            _ => "a number",
        };
        self.report(Err(ParseError::new("wrong_type", format!("expected {expected}, found {found}"))))
    }

    /// The parsed value, or `None` after reporting the error.
    pub(super) fn report<T>(&mut self, parsed: Result<T, ParseError>) -> Option<T> {
        parsed.map_err(|error| self.diagnostics.error(&self.at, error)).ok()
    }
}
