//! The text of cursors: opaque for clients, and valid for one list only.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike, NaiveDate};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::ParseError;
use crate::domain::page::{Cursor, Direction, Sort, SortKey};

/// Encodes a sort key as a number: microseconds since 1970, or days since the year 1.
fn to_number(key: SortKey) -> i64 {
    match key {
        SortKey::CreatedAt(time) | SortKey::ModifiedAt(time) => time.timestamp_micros(),
        SortKey::AccountingDate(date) => i64::from(date.num_days_from_ce()),
    }
}

/// Decodes a sort key. `None` when it is out of range.
fn from_number(sort: Sort, number: i64) -> Option<SortKey> {
    match sort {
        Sort::Id => DateTime::from_timestamp_micros(number).map(SortKey::CreatedAt),
        Sort::ModifiedAt => DateTime::from_timestamp_micros(number).map(SortKey::ModifiedAt),
        Sort::AccountingDate => {
            NaiveDate::from_num_days_from_ce_opt(i32::try_from(number).ok()?).map(SortKey::AccountingDate)
        }
    }
    // The range that the API and the database accept.
    .filter(is_within_four_digit_years)
}

fn is_within_four_digit_years(key: &SortKey) -> bool {
    let year = match key {
        SortKey::CreatedAt(time) | SortKey::ModifiedAt(time) => time.year(),
        SortKey::AccountingDate(date) => date.year(),
    };
    (1..=9999).contains(&year)
}

/// The first byte of a cursor, for each sort and direction.
const KINDS: [(Sort, Direction); 6] = [
    (Sort::Id, Direction::Forward),
    (Sort::Id, Direction::Backward),
    (Sort::AccountingDate, Direction::Forward),
    (Sort::AccountingDate, Direction::Backward),
    (Sort::ModifiedAt, Direction::Forward),
    (Sort::ModifiedAt, Direction::Backward),
];

/// A digest of the connection, the filters and the order of a list. Each cursor contains it, so that a cursor of another
/// list is refused instead of continuing at a wrong position. It is no protection: the rows of a list depend on the
/// caller's connection, never on a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListFingerprint([u8; 8]);

impl ListFingerprint {
    /// The digest of `parts`, in this order.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update(part.len().to_be_bytes());
            digest.update(part);
        }
        let mut fingerprint = [0; 8];
        fingerprint.copy_from_slice(&digest.finalize()[..8]);
        Self(fingerprint)
    }
}

/// The bytes of a cursor: sort and direction, sort key, id, fingerprint.
const LENGTH: usize = 1 + 8 + 16 + 8;

/// Encodes a cursor as text.
#[must_use]
pub fn encode(cursor: &Cursor, fingerprint: ListFingerprint) -> String {
    let mut bytes = Vec::with_capacity(LENGTH);
    let kind = (cursor.key.sort(), cursor.direction);
    bytes.extend((0..).zip(KINDS).find_map(|(byte, known)| (known == kind).then_some::<u8>(byte)));
    bytes.extend(to_number(cursor.key).to_be_bytes());
    bytes.extend(cursor.id.as_bytes());
    bytes.extend(fingerprint.0);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The texts of the cursors before and behind a page that was read from `from` on; `onward` is where the reading goes on.
/// `reading` is the direction of the list.
#[must_use]
pub fn around(
    from: Option<Cursor>,
    onward: Option<Cursor>,
    reading: Direction,
    fingerprint: ListFingerprint,
) -> (Option<String>, Option<String>) {
    let text = |cursor: Option<Cursor>| cursor.map(|cursor| encode(&cursor, fingerprint));
    // A client that came from a page can go back to it.
    let (back, onward) = (text(from.map(Cursor::reversed)), text(onward));
    if from.is_none_or(|cursor| cursor.direction == reading) { (back, onward) } else { (onward, back) }
}

/// A cursor from a client: well formed, but not yet checked against the requested list.
#[derive(Debug, Clone, Copy)]
pub struct UnverifiedCursor {
    cursor: Cursor,
    fingerprint: ListFingerprint,
}

impl UnverifiedCursor {
    /// The cursor, if it belongs to this list.
    ///
    /// # Errors
    /// `invalid_cursor` when it belongs to another connection, to other filters or to another order.
    pub fn verify(self, list: ListFingerprint, sort: Sort) -> Result<Cursor, ParseError> {
        if self.fingerprint == list && self.cursor.key.sort() == sort {
            return Ok(self.cursor);
        }
        let detail = "belongs to another connection, to other filters or to another order; start without a cursor";
        Err(ParseError::new("invalid_cursor", detail))
    }
}

impl FromStr for UnverifiedCursor {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let read = || {
            let bytes: [u8; LENGTH] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
            let (sort, direction) = *KINDS.get(usize::from(bytes[0]))?;
            let key = from_number(sort, i64::from_be_bytes(bytes[1..9].try_into().ok()?))?;
            let id = Uuid::from_slice(&bytes[9..25]).ok()?;
            let fingerprint = ListFingerprint(bytes[25..].try_into().ok()?);
            Some(Self { cursor: Cursor { direction, id, key }, fingerprint })
        };
        read().ok_or_else(|| {
            let detail = "not a cursor of this server; send `next_cursor` or `prev_cursor` unchanged";
            ParseError::new("invalid_cursor", detail)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Clients store cursors, and servers of several versions may run behind one address.
    #[test]
    fn text_of_a_cursor_never_changes() {
        let cursor = Cursor {
            direction: Direction::Backward,
            id: Uuid::from_u128(0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f),
            key: SortKey::CreatedAt(DateTime::from_timestamp_micros(1_718_452_800_000_001).expect("in range")),
        };
        let text = "AQAGGux4tRABAAECAwQFBgcICQoLDA0ODwkJCQkJCQkJ";
        assert_eq!(encode(&cursor, ListFingerprint([9; 8])), text);
        assert_eq!(
            text.parse::<UnverifiedCursor>().expect("good").verify(ListFingerprint([9; 8]), Sort::Id),
            Ok(cursor)
        );
    }

    proptest! {
        #[test]
        fn cursor_round_trips_only_in_its_own_list(
            kind in 0..KINDS.len(), micros in -62_135_596_800_000_000i64..253_402_300_799_000_000, id: u128,
        ) {
            let (sort, direction) = KINDS[kind];
            let time = DateTime::from_timestamp_micros(micros).expect("in range");
            let key = match sort {
                Sort::Id => SortKey::CreatedAt(time),
                Sort::AccountingDate => SortKey::AccountingDate(time.date_naive()),
                Sort::ModifiedAt => SortKey::ModifiedAt(time),
            };
            let cursor = Cursor { direction, id: Uuid::from_u128(id), key };
            let (here, there) = (ListFingerprint::of(&[b"a", b"b"]), ListFingerprint::of(&[b"ab", b""]));
            let text = encode(&cursor, here);
            let sent: UnverifiedCursor = text.parse().expect("what was encoded");
            prop_assert_eq!(text.len(), 44);
            prop_assert_eq!(sent.verify(here, sort), Ok(cursor));
            prop_assert!(sent.verify(there, sort).is_err());
            for (other, _) in KINDS {
                prop_assert_eq!(sent.verify(here, other).is_ok(), other == sort);
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = text.parse::<UnverifiedCursor>();
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), LENGTH)) {
            let _ = URL_SAFE_NO_PAD.encode(bytes).parse::<UnverifiedCursor>();
        }
    }
}
