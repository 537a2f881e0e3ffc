//! Pages of a list: cursors are places in the order of ids, which is that of time, and lead in both directions.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::ValidateRange;

use crate::domain::{Refusal, whole_number};

/// One page of a list. All three members are always present (contract §1.8).
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// Leads to the page before; null at the beginning of the list.
    pub prev_cursor: Option<String>,
    /// Leads to the page after; null at the end of the list, and only there.
    pub next_cursor: Option<String>,
    /// The entries, oldest first. With filters a page may have fewer than `limit`, even none, before the list ends.
    pub data: Vec<T>,
}

/// How many entries a page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u8);

impl Limit {
    /// The most.
    pub const MAX: u8 = 200;

    /// The number of entries.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl FromStr for Limit {
    type Err = Refusal;

    /// `50` and `50.0`: the Python library sends the latter on every call (contract §1.6).
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let number = whole_number::parse(text).ok().and_then(|number| u8::try_from(number).ok());
        match number {
            Some(number) if number.validate_range(Some(1), Some(Self::MAX), None, None) => Ok(Self(number)),
            _ => Err(Refusal::new("out_of_range", format!("write a whole number from 1 to {}", Self::MAX))),
        }
    }
}

/// Which way a cursor leads from its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To newer entries.
    Forward,
    /// To older entries.
    Backward,
}

/// A place in a list, between entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Which way to read on.
    pub direction: Direction,
    /// The place is just behind this id, or just before it when the cursor leads backward.
    pub id: Uuid,
    /// When the entry there was made, to the microsecond. The id tells the place; earlier versions want both, and may be
    /// serving beside this one.
    pub created_at: DateTime<Utc>,
}

/// What a cursor belongs to: a digest of the connection and the filters. A cursor carries it, so that one taken from
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
        bytes.push(match self.direction {
            Direction::Forward => 0,
            Direction::Backward => 1,
        });
        bytes.extend(self.created_at.timestamp_micros().to_be_bytes());
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
    /// `invalid_cursor` when it belongs to another connection or to other filters.
    pub fn within(self, list: Binding) -> Result<Cursor, Refusal> {
        if self.binding == list {
            return Ok(self.cursor);
        }
        Err(Refusal::new("invalid_cursor", "belongs to another connection or to other filters; start without a cursor"))
    }
}

impl FromStr for SentCursor {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let read = || {
            let bytes: [u8; Cursor::LENGTH] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
            let direction = match bytes[0] {
                0 => Direction::Forward,
                1 => Direction::Backward,
                _ => return None,
            };
            let created_at = DateTime::from_timestamp_micros(i64::from_be_bytes(bytes[1..9].try_into().ok()?))?;
            let id = Uuid::from_slice(&bytes[9..25]).ok()?;
            let binding = Binding(bytes[25..].try_into().ok()?);
            Some(Self { cursor: Cursor { direction, id, created_at }, binding })
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

    #[test]
    fn limits_may_be_written_as_floats_and_have_bounds() {
        assert_eq!("50.0".parse(), Ok(Limit(50)));
        assert_eq!("200".parse(), Ok(Limit(200)));
        for text in ["0", "201", "-1", "1.5", "", "all", "1e9"] {
            assert_eq!(text.parse::<Limit>().map_err(|r| r.code), Err("out_of_range"), "{text}");
        }
    }

    /// Clients keep cursors, and servers of several versions may stand behind one address.
    #[test]
    fn text_of_a_cursor_stays_as_it_is() {
        let cursor = Cursor {
            direction: Direction::Backward,
            id: Uuid::from_u128(0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f),
            created_at: DateTime::from_timestamp_micros(1_718_452_800_000_001).expect("in range"),
        };
        let text = "AQAGGux4tRABAAECAwQFBgcICQoLDA0ODwkJCQkJCQkJ";
        assert_eq!(cursor.encode(Binding([9; 8])), text);
        assert_eq!(text.parse::<SentCursor>().expect("good").within(Binding([9; 8])), Ok(cursor));
    }

    proptest! {
        #[test]
        fn a_cursor_survives_a_round_trip_and_only_where_it_belongs(
            backward: bool, micros in -62_135_596_800_000_000i64..253_402_300_799_000_000, id: u128,
        ) {
            let direction = if backward { Direction::Backward } else { Direction::Forward };
            let created_at = DateTime::from_timestamp_micros(micros).expect("in range");
            let cursor = Cursor { direction, id: Uuid::from_u128(id), created_at };
            let (here, there) = (Binding::to(&[b"a", b"b"]), Binding::to(&[b"ab", b""]));
            let text = cursor.encode(here);
            let sent: SentCursor = text.parse().expect("what was encoded");
            prop_assert_eq!(sent.within(here), Ok(cursor));
            prop_assert!(sent.within(there).is_err());
        }

        #[test]
        fn whoever_turns_twice_stands_as_before(backward: bool, id in 1..u128::MAX) {
            let direction = if backward { Direction::Backward } else { Direction::Forward };
            let cursor = Cursor { direction, id: Uuid::from_u128(id), created_at: DateTime::UNIX_EPOCH };
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
