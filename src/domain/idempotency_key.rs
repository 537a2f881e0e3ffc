//! The key that makes a create call safe to repeat.

use std::str::FromStr;

use super::ParseError;

/// The value of an `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header), bare or as a quoted string:
/// 1 to 255 visible ASCII characters or spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The maximum length, in characters.
    pub const MAX_CHARACTERS: usize = 255;

    /// The key that was stored.
    #[must_use]
    pub fn of_stored(text: String) -> Self {
        Self(text)
    }

    /// The key without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key as a structured-field string (RFC 9651 section 4.1.6), which parses back into this key.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

impl FromStr for IdempotencyKey {
    type Err = ParseError;

    fn from_str(written: &str) -> Result<Self, ParseError> {
        let refused = |detail: &str| Err(ParseError::new("invalid_idempotency_key", detail));
        let written = written.trim_matches([' ', '\t']);
        let key = match written.strip_prefix('"') {
            None => written.to_owned(),
            Some(rest) => match unquote(rest) {
                Some(key) => key,
                None => {
                    return refused("starts with a quote but is not a quoted string; quote both ends or neither");
                }
            },
        };
        if key.is_empty() || key.len() > Self::MAX_CHARACTERS {
            return refused("an idempotency key must have 1 to 255 characters");
        }
        if !key.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            return refused("an idempotency key may contain visible ASCII characters and spaces only");
        }
        Ok(Self(key))
    }
}

/// Decodes a structured-field string (RFC 9651 section 4.2.5), given after its opening quote.
fn unquote(rest: &str) -> Option<String> {
    let inside = rest.strip_suffix('"')?;
    let mut key = String::with_capacity(inside.len());
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => key.push(characters.next().filter(|c| matches!(c, '"' | '\\'))?),
            '"' => return None,
            other => key.push(other),
        }
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bare_and_quoted_are_the_same_key() {
        assert_eq!("abc-1".parse::<IdempotencyKey>(), "\"abc-1\"".parse());
        assert_eq!("\"a\\\"b\\\\c\"".parse::<IdempotencyKey>().map(|k| k.0), Ok("a\"b\\c".to_owned()));
    }

    #[test]
    fn malformed_keys_are_refused() {
        let too_long = "k".repeat(256);
        for text in ["", "\"\"", "\"abc", "\"a\"b\"", "\"a\\nb\"", "\"a\\\"", "é", &too_long] {
            assert_eq!(
                text.parse::<IdempotencyKey>().map_err(|error| error.code),
                Err("invalid_idempotency_key"),
                "{text}"
            );
        }
        assert!("k".repeat(255).parse::<IdempotencyKey>().is_ok());
    }

    proptest! {
        #[test]
        fn a_quoted_key_survives_a_round_trip(key in "[ -~]{1,255}") {
            let quoted = IdempotencyKey(key.clone()).quoted();
            prop_assert_eq!(quoted.parse::<IdempotencyKey>().map(|k| k.0), Ok(key));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = text.parse::<IdempotencyKey>();
        }
    }
}
