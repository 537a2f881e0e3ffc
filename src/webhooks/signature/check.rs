//! Says of a delivery that was received whether its signature is right, and if not, why.

use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use ring::hmac;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::value::RawValue;

use super::headers::{ID, SIGNATURE, TIMESTAMP};
use super::{SignatureScheme, SigningSecret};
use crate::domain::canonical;

/// The deepest nesting of a body that is written again.
const MAX_DEPTH: usize = 100;

/// What verifies a delivery.
#[derive(Debug)]
pub enum VerifyingKey {
    /// The secret of an endpoint, for `v1`.
    Secret(SigningSecret),
    /// Its public key, for `v1a`.
    Public([u8; 32]),
}

/// What is wrong with a delivery.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A header is not there.
    #[error("the header `{0}` is missing")]
    MissingHeader(&'static str),
    /// The time is no number.
    #[error("the header `webhook-timestamp` is no number of seconds")]
    InvalidTimestamp,
    /// There is no signature of this scheme.
    #[error("there is no `{0}` signature in `webhook-signature`, so this key cannot verify it")]
    OtherScheme(&'static str),
    /// A line break was added or lost.
    #[error("the body has another line break at its end than was sent; keep its bytes as they arrive")]
    LineBreak,
    /// The JSON was parsed and written again.
    #[error("the body was parsed and written again, so its bytes differ; keep its bytes as they arrive")]
    WrittenAgain,
    /// None of these.
    #[error("no signature is right: the secret is of another endpoint, or the body, id or time was changed")]
    Mismatch,
}

impl VerifyingKey {
    /// Reads `whsec_…` or `whpk_…`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(encoded) = text.strip_prefix(super::secret::PUBLIC_PREFIX) {
            return STANDARD.decode(encoded).ok()?.try_into().ok().map(Self::Public);
        }
        text.parse().ok().map(Self::Secret)
    }

    /// Verifies a delivery, and returns when it was sent. Its age is not judged: it may have been saved.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<DateTime<Utc>, Fault> {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).ok_or(Fault::MissingHeader(name));
        let (id, seconds, signatures) = (header(ID)?, header(TIMESTAMP)?, header(SIGNATURE)?);
        let sent_at = seconds.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let sent_at = sent_at.ok_or(Fault::InvalidTimestamp)?;
        let scheme = self.scheme().as_str();
        let signatures: Vec<_> = signatures
            .split(' ')
            .filter_map(|signature| signature.split_once(','))
            .filter(|(version, _)| *version == scheme)
            .filter_map(|(_, signature)| STANDARD.decode(signature).ok())
            .collect();
        if signatures.is_empty() {
            return Err(Fault::OtherScheme(scheme));
        }
        let is_signed = |body: &[u8]| {
            let message = [id.as_bytes(), b".", seconds.as_bytes(), b".", body].concat();
            signatures.iter().any(|signature| self.is_signature(&message, signature))
        };
        if is_signed(body) {
            return Ok(sent_at);
        }
        Err(if is_signed(body.trim_ascii_end()) || is_signed(&[body, b"\n"].concat()) {
            Fault::LineBreak
        } else if as_sent(body).is_some_and(|body| is_signed(&body)) {
            Fault::WrittenAgain
        } else {
            Fault::Mismatch
        })
    }

    fn scheme(&self) -> SignatureScheme {
        match self {
            Self::Secret(_) => SignatureScheme::V1,
            Self::Public(_) => SignatureScheme::V1a,
        }
    }

    fn is_signature(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Secret(secret) => hmac::verify(&secret.hmac_key(), message, signature).is_ok(),
            Self::Public(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok(),
        }
    }
}

/// The body as this server writes it: compact, members sorted.
fn as_sent(body: &[u8]) -> Option<Vec<u8>> {
    let raw: &RawValue = serde_json::from_slice(body).ok()?;
    canonical(raw, MAX_DEPTH).ok().map(String::into_bytes)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::webhooks::signature::headers;

    const BODY: &[u8] = br#"{"data":{"a":1.10,"b":[2]},"type":"t"}"#;

    fn delivery(scheme: SignatureScheme) -> ([VerifyingKey; 2], HeaderMap) {
        let [old, new] = [1, 2].map(|seed| SigningSecret::generate(&mut StdRng::seed_from_u64(seed)));
        let keys = [&new, &old].map(|secret| {
            let text = match scheme {
                SignatureScheme::V1 => secrecy::ExposeSecret::expose_secret(secret.text()).to_owned(),
                SignatureScheme::V1a => secret.public_key(),
            };
            VerifyingKey::parse(&text).expect("a key")
        });
        (keys, headers("id", DateTime::UNIX_EPOCH, BODY, &[new, old], scheme))
    }

    #[test]
    fn each_of_two_keys_verifies_what_both_have_signed() {
        for scheme in [SignatureScheme::V1, SignatureScheme::V1a] {
            let (keys, headers) = delivery(scheme);
            for key in &keys {
                assert_eq!(key.verify(&headers, BODY), Ok(DateTime::UNIX_EPOCH), "{scheme:?}");
            }
        }
    }

    #[test]
    fn fault_says_what_happened_to_the_delivery() {
        for scheme in [SignatureScheme::V1, SignatureScheme::V1a] {
            let ([key, _], headers) = delivery(scheme);
            let of_body = |body: &[u8]| key.verify(&headers, body).expect_err("a fault");
            assert_eq!(of_body(&[BODY, b"\n"].concat()), Fault::LineBreak);
            assert_eq!(of_body(br#"{"type": "t", "data": {"b": [2], "a": 1.10}}"#), Fault::WrittenAgain);
            assert_eq!(of_body(br#"{"data":{"a":1.1,"b":[2]},"type":"t"}"#), Fault::Mismatch);
            for name in [ID, TIMESTAMP, SIGNATURE] {
                let mut headers = headers.clone();
                headers.remove(name);
                assert_eq!(key.verify(&headers, BODY), Err(Fault::MissingHeader(name)));
            }
            for (name, value) in [(ID, "other"), (TIMESTAMP, "1")] {
                let mut headers = headers.clone();
                headers.insert(name, value.parse().expect("a value"));
                assert_eq!(key.verify(&headers, BODY), Err(Fault::Mismatch), "{name}");
            }
        }
        let ([key, _], _) = delivery(SignatureScheme::V1);
        let (_, headers) = delivery(SignatureScheme::V1a);
        assert_eq!(key.verify(&headers, BODY), Err(Fault::OtherScheme("v1")));
    }
}
