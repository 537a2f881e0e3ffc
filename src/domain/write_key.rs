//! Our name of a payment in the accounting software.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};

use super::{ConnectionId, IdempotencyKey, PaymentId};

/// The key under which a payment is written into the accounting software: `u` and 20 characters of base32, in lower case
/// (RFC 4648), that hold the first 100 bits of a SHA-256.
///
/// It is made of the connection and the caller's idempotency key, or of the payment's id where there is none. A call that
/// is repeated after a restore of the database therefore finds its payment in the software. It has 21 characters and one
/// letter case, because some software takes no more and ignores case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteKey(String);

impl WriteKey {
    /// The digits after the `u`.
    const DIGITS: usize = 20;

    /// The key of a payment.
    #[must_use]
    pub fn new(connection: ConnectionId, payment: PaymentId, idempotency_key: Option<&IdempotencyKey>) -> Self {
        let mut digest = Sha256::new();
        digest.update(connection.0.as_bytes());
        match idempotency_key {
            // The two kinds differ in their first byte.
            Some(key) => digest.update([b"k", key.as_str().as_bytes()].concat()),
            None => digest.update([b"p", payment.0.as_bytes().as_slice()].concat()),
        }
        let mut text = BASE32_NOPAD.encode(&digest.finalize());
        text.truncate(Self::DIGITS);
        text.make_ascii_lowercase();
        Self(format!("u{text}"))
    }

    /// The key that was stored.
    #[must_use]
    pub fn of_stored(text: String) -> Self {
        Self(text)
    }

    /// The key in a text of the software; `None` when the text has not the form of a key.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('u')?;
        let is_digit = |byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7');
        (digits.len() == Self::DIGITS && digits.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WriteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn key_is_u_and_20_base32_characters_of_its_sources() {
        let (connection, payment) = (ConnectionId(Uuid::from_u128(1)), PaymentId(Uuid::from_u128(2)));
        let key: IdempotencyKey = "order-1".parse().expect("a key");
        let of_key = WriteKey::new(connection, payment, Some(&key));
        assert_eq!(of_key, WriteKey::new(connection, PaymentId(Uuid::from_u128(3)), Some(&key)));
        assert_ne!(of_key, WriteKey::new(ConnectionId(Uuid::from_u128(9)), payment, Some(&key)));
        let of_payment = WriteKey::new(connection, payment, None);
        assert_ne!(of_payment, WriteKey::new(connection, PaymentId(Uuid::from_u128(3)), None));
        for key in [&of_key, &of_payment] {
            assert!(key.as_str().len() == 21 && key.as_str().starts_with('u'), "{key}");
            assert!(key.as_str().bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7')), "{key}");
            assert_eq!(WriteKey::find(key.as_str()).as_ref(), Some(key));
        }
        for text in ["", "u", "Invoice 15", "uVNR3ALHSPRUQSXPQA2DY", "uvnr3alhspruqsxpqa2d1", "uvnr3alhspruqsxpqa2dyy"]
        {
            assert_eq!(WriteKey::find(text), None, "{text}");
        }
        // Stored keys must stay findable in the software: the text of a known source never changes.
        assert_eq!(of_key.as_str(), "uvnr3alhspruqsxpqa2dy");
    }
}
