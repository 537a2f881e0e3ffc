//! Custom fields: any JSON object that a client stores with a payment.

use serde::Serialize;
use serde_json::value::RawValue;

use super::ParseError;
use super::canonical_json::{canonical, invalid_string};

/// A JSON object in one canonical form: no white space, members sorted by name, numbers with the digits that the client
/// wrote (never a binary float). Equal objects are therefore equal texts, whether or not a client's library indents or
/// reorders them, so the digest of a request can include this text.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct FieldMappings(Box<RawValue>);

impl FieldMappings {
    /// The largest canonical text, in bytes.
    pub const MAX_BYTES: usize = 64 * 1_024;
    /// The maximum nesting depth.
    pub const MAX_DEPTH: usize = 64;

    /// Reads an object; `object` must be the text of one.
    ///
    /// # Errors
    /// `too_large`, `too_deep`, `duplicate_member`, `invalid_string` or `nul_character`.
    pub fn parse(object: &RawValue) -> Result<Self, ParseError> {
        // Checked before the work: white space may at most double the canonical size.
        if object.get().len() > 2 * Self::MAX_BYTES {
            return Err(too_large());
        }
        let canonical = canonical(object, Self::MAX_DEPTH)?;
        if canonical.len() > Self::MAX_BYTES {
            return Err(too_large());
        }
        RawValue::from_string(canonical).map(Self).map_err(invalid_string)
    }

    /// Restores an object from the database, which stores the canonical form.
    #[must_use]
    pub fn from_stored(canonical: Box<RawValue>) -> Self {
        Self(canonical)
    }

    /// The canonical text.
    #[must_use]
    pub fn as_raw(&self) -> &RawValue {
        &self.0
    }
}

impl PartialEq for FieldMappings {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

fn too_large() -> ParseError {
    ParseError::new("too_large", format!("larger than {} bytes", FieldMappings::MAX_BYTES))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<String, &'static str> {
        let raw: &RawValue = serde_json::from_str(text).expect("well-formed JSON");
        FieldMappings::parse(raw).map(|fields| fields.as_raw().get().to_owned()).map_err(|error| error.code)
    }

    #[test]
    fn canonical_text_ignores_order_and_keeps_digits() {
        assert_eq!(parse(r#"{ "b" : [1.50, 2] , "a":"\u0041" }"#), Ok(r#"{"a":"A","b":[1.50,2]}"#.to_owned()));
        assert_eq!(parse(r#"{"n":0.1000000000000000000001}"#), Ok(r#"{"n":0.1000000000000000000001}"#.to_owned()));
        assert_eq!(parse("{}"), Ok("{}".to_owned()));
    }

    #[test]
    fn mappings_that_cannot_be_stored_are_refused_by_name() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(64), "]".repeat(64));
        let large = format!("{{\"a\":\"{}\"}}", "x".repeat(FieldMappings::MAX_BYTES));
        assert_eq!(parse(&deep), Err("too_deep"));
        assert_eq!(parse(&large), Err("too_large"));
        assert_eq!(parse(r#"{"a":1,"a":2}"#), Err("duplicate_member"));
        assert_eq!(parse(r#"{"a":{"b":"\u0000"}}"#), Err("nul_character"));
        assert_eq!(parse(r#"{"\u0000":1}"#), Err("nul_character"));
        assert_eq!(parse(r#"{"a":"\ud800"}"#), Err("invalid_string"));
        assert_eq!(parse(r#"{"\ud800":1}"#), Err("invalid_string"));
    }

    proptest! {
        #[test]
        fn canonical_text_is_its_own_canonical_text(members in prop::collection::btree_map("\\PC{0,6}", "\\PC{0,6}", 0..6)) {
            let text = serde_json::to_string_pretty(&members).expect("JSON");
            let canonical = parse(&text).expect("no NUL, not deep");
            prop_assert_eq!(parse(&canonical).expect("canonical"), canonical.clone());
            prop_assert_eq!(canonical, serde_json::to_string(&members).expect("JSON"));
        }
    }
}
