//! The headers of a delivery.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::scheme::SignatureScheme;
use super::{SigningSecret, panora};

/// The id of the event, the same in all attempts.
pub const ID: &str = "webhook-id";
/// When the attempt was made, in seconds since 1970.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The signatures, separated by spaces.
pub const SIGNATURE: &str = "webhook-signature";

/// The headers that sign a body: those of Standard Webhooks 1.0, with a signature for each secret, and
/// `Panora-Signature` with the first of them.
///
/// # Panics
/// When the id has other characters than ASCII letters, digits and `-`.
#[must_use]
pub fn headers(
    id: &str,
    timestamp: DateTime<Utc>,
    body: &[u8],
    secrets: &[SigningSecret],
    scheme: SignatureScheme,
) -> HeaderMap {
    let timestamp = timestamp.timestamp().to_string();
    let message = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    let signatures: Vec<_> = secrets.iter().map(|secret| scheme.sign(secret, &message)).collect();
    let mut headers = HeaderMap::new();
    let mut add = |name, value: String| {
        let value = HeaderValue::try_from(value).expect("letters, digits and punctuation");
        headers.insert(HeaderName::from_static(name), value);
    };
    add(ID, id.to_owned());
    add(TIMESTAMP, timestamp);
    add(SIGNATURE, signatures.join(" "));
    if let Some(signature) = secrets.first().and_then(|secret| panora_signature(secret, body)) {
        add(panora::HEADER, signature);
    }
    headers
}

fn panora_signature(secret: &SigningSecret, body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        data: &'a RawValue,
    }
    let Body { data } = serde_json::from_slice(body).ok()?;
    panora::sign(secret.text(), data)
}
