//! The form of the bodies that an endpoint gets.

use std::str::FromStr;

use axum::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::ParseError;

/// The form of `data` in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PayloadFormat {
    /// An object.
    #[default]
    Standard,
    /// A string that holds the JSON of the object, as an older product sent it.
    Panora,
}

impl PayloadFormat {
    /// Its name, as clients and the database write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Panora => "panora",
        }
    }

    /// The body of an event in this form. `body` is that of the feed.
    #[must_use]
    pub fn body(self, body: &Bytes) -> Bytes {
        match self {
            Self::Standard => body.clone(),
            // A body that this server wrote has these members.
            Self::Panora => with_data_as_text(body).map_or_else(|_| body.clone(), Bytes::from),
        }
    }
}

/// The body of an event, whose members are sorted.
#[derive(Serialize, Deserialize)]
struct Body<'a, D> {
    data: D,
    #[serde(borrow)]
    id_connection: &'a RawValue,
    #[serde(borrow)]
    id_event: &'a RawValue,
    #[serde(borrow)]
    timestamp: &'a RawValue,
    #[serde(borrow, rename = "type")]
    kind: &'a RawValue,
}

fn with_data_as_text(body: &[u8]) -> serde_json::Result<Vec<u8>> {
    let Body { data, id_connection, id_event, timestamp, kind } = serde_json::from_slice::<Body<'_, &RawValue>>(body)?;
    serde_json::to_vec(&Body { data: data.get(), id_connection, id_event, timestamp, kind })
}

impl FromStr for PayloadFormat {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text {
            "standard" => Ok(Self::Standard),
            "panora" => Ok(Self::Panora),
            _ => Err(ParseError::new("unknown_payload_format", "not a payload format; write `standard` or `panora`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panora_format_has_the_json_of_data_in_a_string() {
        let body = Bytes::from_static(
            br#"{"data":{"rate":1.10,"text":"a\"b"},"id_connection":null,"id_event":"1","timestamp":"2","type":"t"}"#,
        );
        let expected = r#"{"data":"{\"rate\":1.10,\"text\":\"a\\\"b\"}","id_connection":null,"id_event":"1","timestamp":"2","type":"t"}"#;
        assert_eq!(PayloadFormat::Panora.body(&body), expected);
        assert_eq!(PayloadFormat::Standard.body(&body), body);
    }
}
