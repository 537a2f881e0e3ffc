//! How the raw body is signed.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use super::SigningSecret;
use crate::domain::ParseError;

/// The schemes of Standard Webhooks 1.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignatureScheme {
    /// `v1`: HMAC-SHA256. The receiver has the secret.
    #[default]
    V1,
    /// `v1a`: Ed25519. The receiver has the public key, with which nobody can sign.
    V1a,
}

impl SignatureScheme {
    /// Its name, as signatures, clients and the database write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1a => "v1a",
        }
    }

    /// The signature of a message.
    pub(super) fn sign(self, secret: &SigningSecret, message: &[u8]) -> String {
        let signature = match self {
            Self::V1 => STANDARD.encode(hmac::sign(&secret.hmac_key(), message)),
            Self::V1a => STANDARD.encode(secret.key_pair().sign(message)),
        };
        format!("{},{signature}", self.as_str())
    }
}

impl FromStr for SignatureScheme {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text {
            "v1" => Ok(Self::V1),
            "v1a" => Ok(Self::V1a),
            _ => Err(ParseError::new("unknown_signature_scheme", "not a signature scheme; write `v1` or `v1a`")),
        }
    }
}
