//! The id of one request, which links the response to the log.

use std::fmt;

use axum::http::{HeaderMap, HeaderValue};
use uuid::Uuid;

/// The header of requests and responses that carries it.
pub const HEADER: &str = "x-request-id";

/// A request id: the client's own if it is valid, otherwise a new UUIDv7.
#[derive(Debug, Clone)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// Takes the client's id if it has 1 to 128 characters of `[A-Za-z0-9._-]`, so that it is safe in logs.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let is_valid = |id: &&HeaderValue| {
            (1..=128).contains(&id.len())
                && id.as_bytes().iter().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(b))
        };
        Self(headers.get(HEADER).filter(is_valid).cloned().unwrap_or_else(|| {
            let id = Uuid::now_v7().to_string();
            HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
        }))
    }

    /// The id as a header's value.
    #[must_use]
    pub fn header_value(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or("unknown"))
    }
}

/// The trace id of a W3C `traceparent` header (version 00), which links the log to the caller's trace.
#[must_use]
pub fn trace_id(headers: &HeaderMap) -> Option<&str> {
    let traceparent = headers.get("traceparent")?.to_str().ok()?;
    let mut parts = traceparent.split('-');
    let (version, trace_id, parent_id, _flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length| {
        text.len() == length
            && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            && text.bytes().any(|b| b != b'0')
    };
    (version == "00" && is_hex(trace_id, 32) && is_hex(parent_id, 16)).then_some(trace_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().expect("a name"), HeaderValue::from_str(value).expect("a value"))])
    }

    #[test]
    fn valid_ids_are_kept_and_others_replaced() {
        assert_eq!(RequestId::of(&headers(HEADER, "order-17.a_B")).to_string(), "order-17.a_B");
        for id in ["", "a b", "{\"log\":1}", &"x".repeat(129)] {
            let made = RequestId::of(&headers(HEADER, id)).to_string();
            assert!(Uuid::try_parse(&made).is_ok(), "{id} became {made}");
        }
    }

    #[test]
    fn only_a_valid_traceparent_gives_a_trace_id() {
        let good = headers("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        assert_eq!(trace_id(&good), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        for bad in ["", "00-4bf9-00f067aa0ba902b7-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"] {
            assert_eq!(trace_id(&headers("traceparent", bad)), None, "{bad}");
        }
    }
}
