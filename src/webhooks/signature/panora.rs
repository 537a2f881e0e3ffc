//! The signature of an older product, which its client libraries have the server verify (`verifyEvent`).
//!
//! It is made with the secret's whole text over the canonical form of `data`. The old product signed what
//! `JSON.stringify` made of `data`; its client libraries write the members in another order before they ask.

use data_encoding::HEXLOWER;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use serde_json::value::RawValue;

use super::jcs::{jcs, jcs_of_canonical};

/// The header that has the signature.
pub const HEADER: &str = "panora-signature";

/// The signature of `data` that this server wrote, in hexadecimal digits; `None` where it has no canonical form.
pub(super) fn sign(secret: &SecretString, data: &RawValue) -> Option<String> {
    let signature = hmac::sign(&key(secret), &jcs_of_canonical(data)?);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// As another program has computed it: HMAC-SHA256 of `{"a":"é","b":1.1}` with the whole text of the secret.
    #[test]
    fn signature_is_of_the_canonical_data_by_the_whole_text() {
        let secret = SecretString::from("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        let data: &RawValue = serde_json::from_str(r#"{"b": 1.10, "a": "\u00e9"}"#).expect("JSON");
        let expected = "da77ed2f53b49dd5af8e199f3b768108d407a71f1b586ea1ac2690c2614c37fb";
        assert_eq!(sign(&secret, data).as_deref(), Some(expected));
        assert!(verify(&secret, data, expected) && !verify(&secret, data, &expected[2..]));
    }
}
