//! All sealing keys of a server. The first one seals, all of them open.

use std::str::FromStr;

use chacha20poly1305::XNonce;
use chacha20poly1305::aead::{Aead, Payload};
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};

use super::key::{Key, KeyId};

/// The first byte of everything that is sealed, and what follows it: the key's id, the nonce, and the ciphertext with its
/// tag (draft-irtf-cfrg-xchacha-03).
const VERSION: u8 = 1;
/// The bytes before the nonce.
const HEAD: usize = 1 + KeyId::LENGTH;
/// The bytes of a nonce. It is so long that random ones never repeat.
const NONCE: usize = 24;

/// The keys with which secrets are sealed and opened.
#[derive(Debug, Clone)]
pub struct SealingKeys(
    /// At least one.
    Vec<Key>,
);

/// Why a text is no list of keys. It never quotes the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeys {
    /// The key at this position, from 1, has another form.
    #[error("key {0} is not 32 bytes in base64; make one with `openssl rand -base64 32`")]
    Malformed(usize),
    /// The key at this position, from 1, has the id of an earlier one.
    #[error("key {0} is there twice")]
    Repeated(usize),
}

/// Why a sealed secret cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It was sealed with a key that is not here.
    #[error("it was sealed with the key {0}, which is not among the sealing keys")]
    MissingKey(KeyId),
    /// It was changed, or it was sealed for another place.
    #[error("it was changed, or it belongs to another row")]
    Rejected,
    /// It is too short, or a later version of this program sealed it.
    #[error("it has no form that this version knows")]
    Malformed,
}

impl FromStr for SealingKeys {
    type Err = InvalidKeys;

    /// Parses keys that are separated by commas, each 32 bytes in base64.
    fn from_str(text: &str) -> Result<Self, InvalidKeys> {
        let mut keys: Vec<Key> = Vec::new();
        for (position, text) in (1..).zip(text.split(',')) {
            let key = Key::parse(text.trim()).ok_or(InvalidKeys::Malformed(position))?;
            if keys.iter().any(|earlier| earlier.id == key.id) {
                return Err(InvalidKeys::Repeated(position));
            }
            keys.push(key);
        }
        Ok(Self(keys))
    }
}

impl SealingKeys {
    /// Seals a secret. It opens only with the same `bound_to`: the id of its row and what it is there. So a sealed secret
    /// that is copied to another row does not open.
    ///
    /// # Panics
    /// When the secret has more than 256 GiB.
    #[must_use]
    pub fn seal(&self, secret: &SecretString, bound_to: &[u8]) -> Vec<u8> {
        let Key { id, cipher } = self.first();
        let mut nonce = [0; NONCE];
        rand::rng().fill_bytes(&mut nonce);
        let mut sealed = [&[VERSION], &id.0[..]].concat();
        let aad = [&sealed, bound_to].concat();
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: &aad };
        let ciphertext = cipher.encrypt(&XNonce::from(nonce), payload).expect("no secret is that long");
        sealed.extend(nonce);
        sealed.extend(ciphertext);
        sealed
    }

    /// Opens what [`Self::seal`] made for the same `bound_to`.
    ///
    /// # Errors
    /// When the key is missing, or when the bytes or `bound_to` are others.
    pub fn open(&self, sealed: &[u8], bound_to: &[u8]) -> Result<SecretString, OpenError> {
        let (head, rest) = sealed.split_at_checked(HEAD).ok_or(OpenError::Malformed)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>().ok_or(OpenError::Malformed)?;
        let id = key_id(sealed).ok_or(OpenError::Malformed)?;
        let key = self.0.iter().find(|key| key.id == id).ok_or(OpenError::MissingKey(id))?;
        let payload = Payload { msg: ciphertext, aad: &[head, bound_to].concat() };
        let secret = key.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| OpenError::Rejected)?;
        String::from_utf8(secret).map(SecretString::from).map_err(|_| OpenError::Malformed)
    }

    /// Whether a sealed secret should be opened and sealed again, because another key than the first one sealed it.
    #[must_use]
    pub fn needs_reseal(&self, sealed: &[u8]) -> bool {
        key_id(sealed) != Some(self.first().id)
    }

    /// The names of the keys, the one that seals first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.0.iter().map(|key| key.id)
    }

    fn first(&self) -> &Key {
        &self.0[0]
    }
}

/// The name of the key that sealed a secret, if the secret has the form of this version. Its beginning is enough.
#[must_use]
pub fn key_id(sealed: &[u8]) -> Option<KeyId> {
    let (version, rest) = sealed.split_first()?;
    let (id, _) = rest.split_first_chunk()?;
    (*version == VERSION).then_some(KeyId(*id))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::super::generate;
    use super::*;

    fn text(seed: u64) -> String {
        generate(&mut StdRng::seed_from_u64(seed)).expose_secret().to_owned()
    }

    fn keys(seeds: &[u64]) -> SealingKeys {
        let texts: Vec<_> = seeds.iter().map(|seed| text(*seed)).collect();
        texts.join(",").parse().expect("keys")
    }

    fn opened(keys: &SealingKeys, sealed: &[u8], bound_to: &[u8]) -> Result<String, OpenError> {
        keys.open(sealed, bound_to).map(|secret| secret.expose_secret().to_owned())
    }

    proptest! {
        #[test]
        fn sealed_secret_opens_to_the_same_text(seed: u64, secret in "\\PC*", bound_to: Vec<u8>) {
            let sealed = keys(&[seed]).seal(&secret.clone().into(), &bound_to);
            prop_assert_eq!(opened(&keys(&[seed]), &sealed, &bound_to), Ok(secret));
        }

        #[test]
        fn secret_does_not_open_for_another_row(secret in "\\PC*", here: Vec<u8>, there: Vec<u8>) {
            prop_assume!(here != there);
            let sealed = keys(&[1]).seal(&secret.into(), &here);
            prop_assert_eq!(opened(&keys(&[1]), &sealed, &there), Err(OpenError::Rejected));
        }

        #[test]
        fn secret_with_one_changed_bit_does_not_open(secret in "\\PC*", at: prop::sample::Index, bit in 0..8) {
            let mut sealed = keys(&[1, 2]).seal(&secret.into(), b"row");
            let at = at.index(sealed.len());
            sealed[at] ^= 1_u8 << bit;
            prop_assert!(opened(&keys(&[1, 2]), &sealed, b"row").is_err());
        }

        #[test]
        fn no_bytes_panic_and_none_open(bytes: Vec<u8>, with_head: bool) {
            let keys = keys(&[1]);
            let head = [&[VERSION], &keys.first().id.0[..]].concat();
            let bytes = if with_head { [head, bytes].concat() } else { bytes };
            prop_assert!(opened(&keys, &bytes, b"row").is_err());
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = text.parse::<SealingKeys>();
        }
    }

    #[test]
    fn same_secret_is_sealed_differently_each_time() {
        let keys = keys(&[1]);
        assert_ne!(keys.seal(&"a".into(), b"row"), keys.seal(&"a".into(), b"row"));
    }

    #[test]
    fn first_key_seals_and_all_keys_open() {
        let (old, rotated, new) = (keys(&[1]), keys(&[2, 1]), keys(&[2]));
        let sealed = old.seal(&"a".into(), b"row");
        assert_eq!(opened(&rotated, &sealed, b"row").as_deref(), Ok("a"));
        assert!(rotated.needs_reseal(&sealed) && !old.needs_reseal(&sealed));
        let id = old.ids().next().expect("a key");
        assert_eq!(opened(&new, &sealed, b"row"), Err(OpenError::MissingKey(id)));
        let resealed = rotated.seal(&"a".into(), b"row");
        assert_eq!(opened(&new, &resealed, b"row").as_deref(), Ok("a"));
        assert!(!rotated.needs_reseal(&resealed));
    }

    #[test]
    fn malformed_and_repeated_keys_are_refused_by_position() {
        let (one, two) = (text(1), text(2));
        let refused = |text: &str| text.parse::<SealingKeys>().expect_err("no keys");
        for malformed in ["", "a2V5", &one[1..], &format!("{one}="), one.trim_end_matches('=')] {
            assert_eq!(refused(malformed), InvalidKeys::Malformed(1), "{malformed}");
            assert_eq!(refused(&format!("{two}, {malformed}")), InvalidKeys::Malformed(2), "{malformed}");
        }
        assert_eq!(refused(&format!("{one},{two},{one}")), InvalidKeys::Repeated(3));
    }

    #[test]
    fn debug_shows_the_ids_of_keys_only() {
        let keys = keys(&[1, 2]);
        let ids: Vec<_> = keys.ids().map(|id| id.to_string()).collect();
        assert_eq!(format!("{keys:?}"), format!("SealingKeys([{}, {}])", ids[0], ids[1]));
    }

    /// A secret that was sealed by the first version of this code. It must open for good.
    #[test]
    fn secret_of_version_1_opens_forever() {
        let keys: SealingKeys = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".parse().expect("a key");
        let sealed =
            STANDARD.decode("AWMNzSnWNw2za9Ip7HNBGuOG8hfsX7m0SFknXvXUF/H/jo7BjJ6sL8EVyE4MZ4nG8Z8z").expect("base64");
        assert_eq!(opened(&keys, &sealed, b"row").as_deref(), Ok("secret"));
    }
}
