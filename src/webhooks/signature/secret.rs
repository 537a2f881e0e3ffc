//! The secret of a webhook endpoint.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::CryptoRng;
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

/// The bytes of a secret. Standard Webhooks wants 24 to 64; 32 are also the seed of an Ed25519 key (RFC 8032).
const LENGTH: usize = 32;
/// How a secret begins.
const PREFIX: &str = "whsec_";
/// How the public key of a secret begins.
pub(super) const PUBLIC_PREFIX: &str = "whpk_";

/// A secret: `whsec_` and 32 random bytes in base64 (Standard Webhooks 1.0).
#[derive(Clone)]
pub struct SigningSecret {
    text: SecretString,
    bytes: Zeroizing<[u8; LENGTH]>,
}

/// A text is no secret of an endpoint. It never quotes the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret is `whsec_` and 32 bytes in base64")]
pub struct InvalidSecret;

impl SigningSecret {
    /// A new secret.
    pub fn generate(random: &mut impl CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        random.fill_bytes(&mut *bytes);
        Self { text: format!("{PREFIX}{}", STANDARD.encode(*bytes)).into(), bytes }
    }

    /// The text, to seal it or to show it once.
    #[must_use]
    pub fn text(&self) -> &SecretString {
        &self.text
    }

    /// The public key that belongs to it: `whpk_` and 32 bytes in base64.
    #[must_use]
    pub fn public_key(&self) -> String {
        format!("{PUBLIC_PREFIX}{}", STANDARD.encode(self.key_pair().public_key()))
    }

    /// The key of `v1`.
    pub(super) fn hmac_key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &*self.bytes)
    }

    /// The keys of `v1a`.
    pub(super) fn key_pair(&self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&*self.bytes).expect("a seed has 32 bytes")
    }
}

impl FromStr for SigningSecret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidSecret)?;
        let decoded = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| InvalidSecret)?);
        let bytes = <[u8; LENGTH]>::try_from(decoded.as_slice()).map_err(|_| InvalidSecret)?;
        Ok(Self { text: text.into(), bytes: Zeroizing::new(bytes) })
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

impl PartialEq for SigningSecret {
    fn eq(&self, other: &Self) -> bool {
        self.text.expose_secret() == other.text.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    proptest! {
        #[test]
        fn generated_secret_parses_to_itself(seed: u64) {
            let secret = SigningSecret::generate(&mut StdRng::seed_from_u64(seed));
            prop_assert_eq!(secret.text().expose_secret().parse(), Ok(secret));
        }

        #[test]
        fn no_text_panics(text in "(whsec_)?\\PC*") {
            let _ = text.parse::<SigningSecret>();
        }
    }

    #[test]
    fn other_texts_are_refused_and_debug_shows_nothing() {
        let secret = SigningSecret::generate(&mut StdRng::seed_from_u64(1));
        let text = secret.text().expose_secret();
        for other in
            [&text[6..], &text[..40], &format!("{text}="), "whsec_", "", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
        {
            assert_eq!(other.parse::<SigningSecret>(), Err(InvalidSecret), "{other}");
        }
        assert_eq!(format!("{secret:?}"), "SigningSecret(…)");
    }

    #[test]
    fn public_key_is_that_of_the_seed() {
        // RFC 8032 section 7.1, test 1.
        let secret: SigningSecret = "whsec_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=".parse().expect("a secret");
        assert_eq!(secret.public_key(), "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    }
}
