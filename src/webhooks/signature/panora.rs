//! The signature of an older product, which its client libraries have the server verify (`verifyEvent`).
//!
//! It is made with the secret's whole text over the canonical form of `data`. The old product signed what
//! `JSON.stringify` made of `data`; its client libraries write the members in another order before they ask.

use data_encoding::HEXLOWER;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use serde_json::value::RawValue;

use super::jcs::jcs;

/// The header that has the signature.
pub const HEADER: &str = "panora-signature";

/// The signature of `data` in hexadecimal digits; `None` where `data` has no canonical form.
pub(super) fn sign(secret: &SecretString, data: &RawValue) -> Option<String> {
    let signature = hmac::sign(&key(secret), &jcs(data)?);
    Some(HEXLOWER.encode(signature.as_ref()))
}

/// Whether a signature is that of `data`, in a time that shows nothing of the right one.
#[must_use]
pub fn verify(secret: &SecretString, data: &RawValue, signature: &str) -> bool {
    let (Some(message), Ok(signature)) = (jcs(data), HEXLOWER.decode(signature.as_bytes())) else { return false };
    hmac::verify(&key(secret), &message, &signature).is_ok()
}

fn key(secret: &SecretString) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes())
}
