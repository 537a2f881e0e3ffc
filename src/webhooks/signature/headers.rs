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

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SigningSecret {
        text.parse().expect("a secret")
    }

    fn signed(id: &str, body: &[u8], secrets: &[SigningSecret]) -> HeaderMap {
        let time = DateTime::from_timestamp(1_614_265_330, 0).expect("a time");
        headers(id, time, body, secrets, SignatureScheme::V1)
    }

    /// As another program has computed it: HMAC-SHA256 of id, time and body with points between them.
    #[test]
    fn signature_is_that_of_the_specification() {
        let secret = secret("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        let headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", br#"{"test": 2432232314}"#, &[secret]);
        assert_eq!(headers[TIMESTAMP], "1614265330");
        assert_eq!(headers[SIGNATURE], "v1,O4Gjv1HqPqsMrjmczoggs/sWA8gZD0VyHG+fLh4+ktI=");
    }

    #[test]
    fn both_secrets_of_a_rotation_sign_and_panora_has_the_new() {
        let new = secret("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        let old = secret("whsec_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=");
        let by = |secrets: &[SigningSecret]| signed("1", br#"{"data":{"a":1}}"#, secrets);
        let (both, new, old) = (by(&[new.clone(), old.clone()]), by(&[new]), by(&[old]));
        let text = |headers: &HeaderMap, name| headers[name].to_str().expect("text").to_owned();
        assert_eq!(text(&both, SIGNATURE), format!("{} {}", text(&new, SIGNATURE), text(&old, SIGNATURE)));
        assert_eq!(both[panora::HEADER], new[panora::HEADER]);
        assert_ne!(both[panora::HEADER], old[panora::HEADER]);
    }
}
