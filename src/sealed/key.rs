//! One sealing key: its text, its id, its cipher.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use rand::CryptoRng;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::{Digest, Sha256};

/// The bytes of a key (XChaCha20-Poly1305).
const LENGTH: usize = 32;

/// The name of a key: the first four bytes of its SHA-256. It says which key is missing and does not reveal the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyId(pub(super) [u8; Self::LENGTH]);

impl KeyId {
    /// The bytes of an id.
    pub(super) const LENGTH: usize = 4;
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

/// A key that seals and opens.
#[derive(Clone)]
pub(super) struct Key {
    pub id: KeyId,
    /// Cleared from memory when it is dropped.
    pub cipher: XChaCha20Poly1305,
}

impl Key {
    /// Parses 32 bytes in base64 with its padding (RFC 4648 section 4), as `openssl rand -base64 32` prints them.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = SecretSlice::from(STANDARD.decode(text).ok()?);
        let cipher = XChaCha20Poly1305::new_from_slice(bytes.expose_secret()).ok()?;
        let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(bytes.expose_secret()));
        Some(Self { id: KeyId([a, b, c, d]), cipher })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id)
    }
}

/// The text of a new key.
pub fn generate(random: &mut impl CryptoRng) -> SecretString {
    let mut bytes = Zeroizing::new([0; LENGTH]);
    random.fill_bytes(&mut *bytes);
    STANDARD.encode(bytes.as_slice()).into()
}
