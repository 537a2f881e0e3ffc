//! The JSON that accounting software answers: of any shape, and kept as the text that was received.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::Error;

/// How deep [`fingerprint`] looks into a value. What lies deeper is taken as text.
const MAX_DEPTH: u8 = 16;

/// Reads an answer, or a part of one.
///
/// # Errors
/// [`Error::Protocol`] with the place at which it differs from `T`, and nothing of its content.
pub fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, Error> {
    serde_json::from_slice(json).map_err(|error| {
        let (kind, column) = (error.classify(), error.column());
        Error::Protocol(format!("{kind:?} error of JSON at line {}, column {column}", error.line()).to_lowercase())
    })
}

/// Reads a member as `T`, and as `None` where it has another shape: software writes `false` or `""` for "none". To be used
/// with `#[serde(default, deserialize_with = "json::or_none")]`.
///
/// # Errors
/// Never for well-formed JSON.
pub fn or_none<'de, D: Deserializer<'de>, T: for<'a> Deserialize<'a>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// Reads a member as text that is not empty; `None` where it is something else.
///
/// # Errors
/// Never for well-formed JSON.
pub fn text_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(or_none::<D, String>(deserializer)?.filter(|text| !text.trim().is_empty()))
}

/// The members of an object, each as the text that was received; `None` when it is no object. Of a duplicate member the last
/// one counts.
#[must_use]
pub fn members(object: &RawValue) -> Option<BTreeMap<Cow<'_, str>, &RawValue>> {
    /// Borrows the name from the text when it has no escapes.
    #[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
    struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

    let members: BTreeMap<Name<'_>, &RawValue> = serde_json::from_str(object.get()).ok()?;
    Some(members.into_iter().map(|(Name(name), value)| (name, value)).collect())
}

/// The same object with one more member, or with another value of it. Anything else than an object is left as it is.
#[must_use]
pub fn with_member(object: &RawValue, name: &str, value: &RawValue) -> Box<RawValue> {
    let Some(mut members) = members(object) else { return object.to_owned() };
    members.insert(name.into(), value);
    serde_json::value::to_raw_value(&members).unwrap_or_else(|_| object.to_owned())
}

/// A short text that is the same for the same JSON value: neither white space nor the order of members changes it.
#[must_use]
pub fn fingerprint(value: &RawValue) -> String {
    let mut digest = Sha256::new();
    add(&mut digest, value, 0);
    digest.finalize().iter().take(16).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn add(digest: &mut Sha256, value: &RawValue, depth: u8) {
    let text = value.get();
    if depth < MAX_DEPTH
        && text.starts_with('{')
        && let Some(members) = members(value)
    {
        digest.update("{");
        for (name, value) in members {
            digest.update(name.len().to_be_bytes());
            digest.update(name.as_bytes());
            add(digest, value, depth + 1);
        }
        digest.update("}");
    } else if depth < MAX_DEPTH
        && text.starts_with('[')
        && let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(text)
    {
        digest.update("[");
        for element in elements {
            add(digest, element, depth + 1);
        }
        digest.update("]");
    } else {
        digest.update("v");
        digest.update(text.len().to_be_bytes());
        digest.update(text);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).expect(text)
    }

    #[test]
    fn fingerprint_is_of_the_value_and_not_of_its_spelling() {
        let first = fingerprint(raw(r#"{"a": [1, {"b": null, "c": "x"}], "d": 1.0}"#));
        assert_eq!(first.len(), 32);
        assert_eq!(first, fingerprint(raw(r#" {"d":1.0,"a":[1,{"c":"x","b":null}]} "#)));
        for other in [
            r#"{"a": [1, {"b": null, "c": "y"}], "d": 1.0}"#,
            r#"{"a": [{"b": null, "c": "x"}, 1], "d": 1.0}"#,
            r#"{"a": [1, {"b": null}, "c", "x"], "d": 1.0}"#,
            r#"{"a": [1, {"b": null, "c": "x"}]}"#,
        ] {
            assert_ne!(first, fingerprint(raw(other)), "{other}");
        }
        assert_ne!(fingerprint(raw(r#"{"ab":1}"#)), fingerprint(raw(r#"["ab",1]"#)));
    }

    #[test]
    fn member_is_added_to_an_object_and_to_nothing_else() {
        let with = |object| with_member(raw(object), "n", raw("[1]"));
        assert_eq!(with(r#"{"x": 1.50}"#).get(), r#"{"n":[1],"x":1.50}"#);
        assert_eq!(with(r#"{"n": 0}"#).get(), r#"{"n":[1]}"#);
        assert_eq!(with("[]").get(), "[]");
    }

    #[test]
    fn member_of_another_shape_is_read_as_none() {
        #[derive(Deserialize)]
        struct Record {
            #[serde(default, deserialize_with = "or_none")]
            number: Option<i64>,
            #[serde(default, deserialize_with = "text_or_none")]
            text: Option<String>,
        }
        for (json, number, text) in [
            (r#"{"number": 1, "text": "x"}"#, Some(1), Some("x")),
            (r#"{"number": false, "text": ""}"#, None, None),
            (r#"{"number": "1", "text": [0]}"#, None, None),
            ("{}", None, None),
        ] {
            let record: Record = read(json.as_bytes()).expect(json);
            assert_eq!((record.number, record.text.as_deref()), (number, text), "{json}");
        }
    }

    #[test]
    fn error_says_where_and_nothing_of_the_content() {
        let error = read::<Vec<i64>>(br#"[1, "secret"]"#).expect_err("a text").to_string();
        assert!(error.contains("column") && !error.contains("secret"), "{error}");
    }

    proptest! {
        #[test]
        fn no_nesting_overflows_the_stack(depth in 0_usize..5_000) {
            let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            if let Ok(value) = serde_json::from_str::<&RawValue>(&text) {
                let _ = (fingerprint(value), with_member(value, "n", raw("1")));
            }
        }
    }
}
