//! JSON as Postgres takes it.

/// The JSON text without the escape of U+0000, which is valid JSON, but which Postgres cannot take out of a string again.
pub fn without_nul(json: &str) -> String {
    let mut kept = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        kept.push_str(before);
        // The escaped character has one byte, because JSON escapes only ASCII ones.
        let length = if escape.starts_with("\\u0000") { 6 } else { 2.min(escape.len()) };
        let (escape, after) = escape.split_at(length);
        if length == 2 {
            kept.push_str(escape);
        }
        rest = after;
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_escapes_of_nul_are_left_out() {
        for (json, kept) in [
            (r#"{"a":"b\u0000c\u0000"}"#, r#"{"a":"bc"}"#),
            (r#""a\\u0000""#, r#""a\\u0000""#),
            (r#""a\\\u0000b""#, r#""a\\b""#),
            (r#""\"\u0001\n\u00000""#, r#""\"\u0001\n0""#),
            (r#"{"é":1.50}"#, r#"{"é":1.50}"#),
        ] {
            assert_eq!(without_nul(json), kept, "{json}");
        }
    }

    proptest::proptest! {
        #[test]
        fn texts_lose_nul_and_nothing_else(text in proptest::collection::vec(proptest::char::any(), 0..20)) {
            let text: String = text.into_iter().flat_map(|character| [character, '\0', '\\', 'u']).collect();
            let json = serde_json::to_string(&text).expect("JSON");
            let read: String = serde_json::from_str(&without_nul(&json)).expect("still JSON");
            proptest::prop_assert_eq!(read, text.replace('\0', ""));
        }
    }
}
