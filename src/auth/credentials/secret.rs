//! The form of API keys and connection tokens, and what is stored of them.

use std::fmt;

use rand::CryptoRng;
use rand::distr::{Alphanumeric, SampleString};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// The kind of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The header `x-api-key`.
    ApiKey,
    /// The header `x-connection-token`.
    ConnectionToken,
}

impl Kind {
    /// The prefix of every secret of this kind, by which people and secret scanners recognize it.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::ApiKey => "ub_key_",
            Self::ConnectionToken => "ub_conn_",
        }
    }
}

/// A secret: its prefix, 32 random characters of base 62 (190 bits), and the CRC-32 of these as 6 characters.
///
/// The checksum finds a truncated or mistyped secret without a look-up. It is no protection against guesses.
pub struct Secret(SecretString);

/// A text that cannot be a secret of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed")]
pub struct Malformed;

impl Secret {
    const RANDOM: usize = 32;
    const CHECKSUM: usize = 6;

    /// Generates a secret.
    pub fn generate(kind: Kind, random: &mut impl CryptoRng) -> Self {
        let mut text = kind.prefix().to_owned();
        Alphanumeric.append_string(random, &mut text, Self::RANDOM);
        let checksum = checksum(&text);
        Self(SecretString::from(text + &checksum))
    }

    /// Parses a secret that a caller sent.
    ///
    /// # Errors
    /// [`Malformed`] when prefix, length or checksum are wrong.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, Malformed> {
        let expected_length = kind.prefix().len() + Self::RANDOM + Self::CHECKSUM;
        if text.len() != expected_length || !text.is_ascii() || !text.starts_with(kind.prefix()) {
            return Err(Malformed);
        }
        let (body, sum) = text.split_at(expected_length - Self::CHECKSUM);
        if checksum(body) == sum { Ok(Self(SecretString::from(text))) } else { Err(Malformed) }
    }

    /// The SHA-256 that is stored instead of the secret.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.expose_secret()).into()
    }

    /// The last four characters, by which a person recognizes the secret in a list. They belong to the checksum.
    #[must_use]
    pub fn last_four(&self) -> &str {
        let text = self.0.expose_secret();
        &text[text.len() - 4..]
    }

    /// The secret itself, to show it once.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

fn checksum(text: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = crc32fast::hash(text.as_bytes());
    let mut digits = [b'0'; Secret::CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    digits.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    proptest! {
        #[test]
        fn generated_secret_parses_to_the_same_hash(seed: u64) {
            for kind in [Kind::ApiKey, Kind::ConnectionToken] {
                let secret = Secret::generate(kind, &mut StdRng::seed_from_u64(seed));
                let parsed = Secret::parse(kind, secret.expose()).expect("well formed");
                prop_assert_eq!(parsed.hash(), secret.hash());
            }
        }

        #[test]
        fn secret_with_one_wrong_character_is_refused(seed: u64, index in 7usize..45, other in "[0-9A-Za-z]") {
            let secret = Secret::generate(Kind::ApiKey, &mut StdRng::seed_from_u64(seed));
            let mut text = secret.expose().to_owned();
            text.replace_range(index..=index, &other);
            prop_assert!(text == secret.expose() || Secret::parse(Kind::ApiKey, &text).is_err());
        }

        #[test]
        fn no_text_panics(text in "(ub_key_)?\\PC*") {
            let _ = Secret::parse(Kind::ApiKey, &text);
        }
    }

    #[test]
    fn kinds_are_not_confused_and_debug_shows_nothing() {
        let secret = Secret::generate(Kind::ApiKey, &mut StdRng::seed_from_u64(1));
        assert!(Secret::parse(Kind::ConnectionToken, secret.expose()).is_err());
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
