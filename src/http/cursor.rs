//! Cursors: places in a list's sort order, which lead in both directions.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::Refusal;

/// Which way a cursor leads from its place in the sort order, whichever way the list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To greater sort keys.
    Forward,
    /// To smaller sort keys.
    Backward,
}

/// What a list is sorted by; ids break ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// The ids, whose order is that of creation.
    Id,
    /// The accounting date as the client wrote it.
    AccountingDate,
    /// The time of the last change.
    ModifiedAt,
}

/// What a cursor holds of the entry at its place, besides the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// When the entry was created, to the microsecond. The id alone tells the place; earlier versions want both, and may
    /// be serving beside this one.
    CreatedAt(DateTime<Utc>),
    /// The accounting date.
    AccountingDate(NaiveDate),
    /// When the entry was last changed, to the microsecond.
    ModifiedAt(DateTime<Utc>),
}

impl SortKey {
    /// What a list with such cursors is sorted by.
    #[must_use]
    pub fn sort(self) -> Sort {
        match self {
            Self::CreatedAt(_) => Sort::Id,
            Self::AccountingDate(_) => Sort::AccountingDate,
            Self::ModifiedAt(_) => Sort::ModifiedAt,
        }
    }

    /// The number that stands in a cursor: microseconds since 1970, or days since the year 1.
    fn encode(self) -> i64 {
        match self {
            Self::CreatedAt(time) | Self::ModifiedAt(time) => time.timestamp_micros(),
            Self::AccountingDate(date) => i64::from(date.num_days_from_ce()),
        }
    }

    fn decode(sort: Sort, number: i64) -> Option<Self> {
        match sort {
            Sort::Id => DateTime::from_timestamp_micros(number).map(Self::CreatedAt),
            Sort::ModifiedAt => DateTime::from_timestamp_micros(number).map(Self::ModifiedAt),
            Sort::AccountingDate => {
                NaiveDate::from_num_days_from_ce_opt(i32::try_from(number).ok()?).map(Self::AccountingDate)
            }
        }
        // What is beyond has no place in the database's types either.
        .filter(Self::is_within_four_digit_years)
    }

    fn is_within_four_digit_years(&self) -> bool {
        let year = match self {
            Self::CreatedAt(time) | Self::ModifiedAt(time) => time.year(),
            Self::AccountingDate(date) => date.year(),
        };
        (1..=9999).contains(&year)
    }
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

/// A place in a list, between entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Which way to read on.
    pub direction: Direction,
    /// The place is just behind this id, or just before it when the cursor leads backward.
    pub id: Uuid,
    /// The sort key of the entry there.
    pub key: SortKey,
}

/// What a cursor belongs to: a digest of the connection, the filters and the order. A cursor carries it, so that one taken from
/// another list is refused instead of answering from the wrong place. It guards nothing: rows are chosen by the
/// caller's connection, whatever a cursor says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding([u8; 8]);

impl Binding {
    /// Binds to `parts`, in this order.
    #[must_use]
    pub fn to(parts: &[&[u8]]) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update(part.len().to_be_bytes());
            digest.update(part);
        }
        let mut binding = [0; 8];
        binding.copy_from_slice(&digest.finalize()[..8]);
        Self(binding)
    }
}

impl Cursor {
    const LENGTH: usize = 1 + 8 + 16 + 8;

    /// The same place, seen from the other side.
    #[must_use]
    pub fn turned(self) -> Self {
        let id = self.id.as_u128();
        let (direction, id) = match self.direction {
            Direction::Forward => (Direction::Backward, id.saturating_add(1)),
            Direction::Backward => (Direction::Forward, id.saturating_sub(1)),
        };
        Self { direction, id: Uuid::from_u128(id), ..self }
    }

    /// Writes the opaque text of a cursor.
    #[must_use]
    pub fn encode(&self, binding: Binding) -> String {
        let mut bytes = Vec::with_capacity(Self::LENGTH);
        let kind = (self.key.sort(), self.direction);
        bytes.extend((0..).zip(KINDS).find_map(|(byte, known)| (known == kind).then_some::<u8>(byte)));
        bytes.extend(self.key.encode().to_be_bytes());
        bytes.extend(self.id.as_bytes());
        bytes.extend(binding.0);
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

/// A cursor as a client sent it: well formed, but not yet known to belong to the list that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct SentCursor {
    cursor: Cursor,
    binding: Binding,
}

impl SentCursor {
    /// The place, if the cursor belongs to this list.
    ///
    /// # Errors
    /// `invalid_cursor` when it belongs to another connection, to other filters or to another order.
    pub fn within(self, list: Binding, sort: Sort) -> Result<Cursor, Refusal> {
        if self.binding == list && self.cursor.key.sort() == sort {
            return Ok(self.cursor);
        }
        let detail = "belongs to another connection, to other filters or to another order; start without a cursor";
        Err(Refusal::new("invalid_cursor", detail))
    }
}

impl FromStr for SentCursor {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let read = || {
            let bytes: [u8; Cursor::LENGTH] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
            let (sort, direction) = *KINDS.get(usize::from(bytes[0]))?;
            let key = SortKey::decode(sort, i64::from_be_bytes(bytes[1..9].try_into().ok()?))?;
            let id = Uuid::from_slice(&bytes[9..25]).ok()?;
            let binding = Binding(bytes[25..].try_into().ok()?);
            Some(Self { cursor: Cursor { direction, id, key }, binding })
        };
        read().ok_or_else(|| {
            let detail = "not a cursor of this server; use `next_cursor` or `prev_cursor` as they were answered";
            Refusal::new("invalid_cursor", detail)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Clients keep cursors, and one address may be served by several versions of the server.
    #[test]
    fn text_of_a_cursor_never_changes() {
        let cursor = Cursor {
            direction: Direction::Backward,
            id: Uuid::from_u128(0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f),
            key: SortKey::CreatedAt(DateTime::from_timestamp_micros(1_718_452_800_000_001).expect("in range")),
        };
        let text = "AQAGGux4tRABAAECAwQFBgcICQoLDA0ODwkJCQkJCQkJ";
        assert_eq!(cursor.encode(Binding([9; 8])), text);
        assert_eq!(text.parse::<SentCursor>().expect("good").within(Binding([9; 8]), Sort::Id), Ok(cursor));
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
            let (here, there) = (Binding::to(&[b"a", b"b"]), Binding::to(&[b"ab", b""]));
            let text = cursor.encode(here);
            let sent: SentCursor = text.parse().expect("what was encoded");
            prop_assert_eq!(text.len(), 44);
            prop_assert_eq!(sent.within(here, sort), Ok(cursor));
            prop_assert!(sent.within(there, sort).is_err());
            for (other, _) in KINDS {
                prop_assert_eq!(sent.within(here, other).is_ok(), other == sort);
            }
        }

        #[test]
        fn cursor_reversed_twice_is_the_same(backward: bool, id in 1..u128::MAX) {
            let direction = if backward { Direction::Backward } else { Direction::Forward };
            let key = SortKey::CreatedAt(DateTime::UNIX_EPOCH);
            let cursor = Cursor { direction, id: Uuid::from_u128(id), key };
            prop_assert_ne!(cursor.turned().direction, direction);
            prop_assert_eq!(cursor.turned().turned(), cursor);
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = text.parse::<SentCursor>();
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), Cursor::LENGTH)) {
            let _ = URL_SAFE_NO_PAD.encode(bytes).parse::<SentCursor>();
        }
    }
}
