//! The canonical form of JSON, in which numbers are those of JavaScript (JSON Canonicalization Scheme, RFC 8785).

use std::borrow::Cow;

use serde_json::value::RawValue;

/// The most digits of a whole number that a double holds in any case.
const EXACT_DIGITS: usize = 15;

/// The canonical form, in which members are sorted and numbers are written as JavaScript writes them. For a string it is
/// what `JSON.stringify` makes of it. `None` where a value has no such form: a number beyond a double, an unpaired
/// surrogate, or nesting deeper than 128.
pub fn jcs(json: &RawValue) -> Option<Vec<u8>> {
    let value: serde_json::Value = serde_json::from_str(json.get()).ok()?;
    serde_json_canonicalizer::to_vec(&value).ok()
}

/// The same for JSON that this server wrote with [`canonical`](crate::domain::canonical). Mostly it is in that form
/// already, and is not written again.
pub fn jcs_of_canonical(json: &RawValue) -> Option<Cow<'_, [u8]>> {
    if is_jcs(json.get()) { Some(Cow::Borrowed(json.get().as_bytes())) } else { jcs(json).map(Cow::Owned) }
}

/// Whether canonical JSON of this server is certainly in that form. Other numbers than small whole ones may be written in
/// another way, and names with characters beyond U+FFFF may be sorted in another one.
fn is_jcs(canonical: &str) -> bool {
    let mut bytes = canonical.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => loop {
                match bytes.next() {
                    Some(b'\\') => drop(bytes.next()),
                    None | Some(b'"') => break,
                    Some(0xF0..) => return false,
                    Some(_) => {}
                }
            },
            b'-' if bytes.peek() == Some(&b'0') => return false,
            b'0'..=b'9' => {
                let mut digits = 1;
                while bytes.next_if(u8::is_ascii_digit).is_some() {
                    digits += 1;
                }
                if digits > EXACT_DIGITS || matches!(bytes.peek(), Some(b'.' | b'e' | b'E')) {
                    return false;
                }
            }
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;
    use crate::domain::canonical;

    fn of(json: &str) -> Option<String> {
        let raw: &RawValue = serde_json::from_str(json).expect("JSON");
        jcs(raw).map(|bytes| String::from_utf8(bytes).expect("UTF-8"))
    }

    #[test]
    fn examples_of_the_rfc_have_their_canonical_form() {
        // RFC 8785 section 3.2.2, and its order of names in section 3.2.3.
        let sample = r#"{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"#;
        let expected = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
        assert_eq!(of(sample).as_deref(), Some(expected));
        let names = r#"{"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\ud83d\ude00": 5, "\u0080": 6, "\u00f6": 7}"#;
        let expected = "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}";
        assert_eq!(of(names).as_deref(), Some(expected));
        assert_eq!(
            of("[9007199254740993, 1.10, 1e16, -0.0]").as_deref(),
            Some("[9007199254740992,1.1,10000000000000000,0]")
        );
    }

    #[test]
    fn what_has_no_canonical_form_is_none() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for json in ["1e400", r#""\ud800""#, &deep] {
            assert_eq!(of(json), None, "{json}");
        }
    }

    #[test]
    fn most_objects_of_this_server_are_in_that_form_already() {
        let object = r#"{"a":[0,-7,400000,999999999999999],"b":{"c":null,"d":"é \\ \" \u0001 1.5"}}"#;
        for json in [object, "[]", "true"] {
            assert!(is_jcs(json), "{json}");
        }
        for json in ["1.0", "[10,1e3]", r#"{"a":-0}"#, "1000000000000000", r#"{"😀":1}"#, r#"{"\\":2.5}"#] {
            assert!(!is_jcs(json), "{json}");
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-(1_i64 << 53)..1 << 53).prop_map(Value::from),
            "\\PC*".prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn canonical_form_is_the_same_value_and_its_own_form(value in json()) {
            let form = of(&serde_json::to_string_pretty(&value).expect("JSON")).expect("a form");
            prop_assert_eq!(serde_json::from_str::<Value>(&form).expect("JSON"), value);
            prop_assert_eq!(of(&form), Some(form));
        }

        #[test]
        fn canonical_json_of_this_server_has_the_same_form(value in json(), number in any::<f64>()) {
            let text = serde_json::to_string(&serde_json::json!([value, number])).expect("JSON");
            let raw: &RawValue = serde_json::from_str(&text).expect("JSON");
            // It refuses a NUL, which no object of this server has.
            if let Ok(canonical) = canonical(raw, 100) {
                let raw: &RawValue = serde_json::from_str(&canonical).expect("JSON");
                prop_assert_eq!(jcs_of_canonical(raw).map(Cow::into_owned), jcs(raw));
            }
        }
    }
}
