//! Pages of a list: their size, their order, and cursors, the positions where pages begin.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ParseError, whole_number};

/// The direction of reading in the sort order. It does not depend on the order in which the list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Towards greater sort keys.
    Forward,
    /// Towards smaller sort keys.
    Backward,
}

/// The sort of a list; ids break ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// By id, which is the order of creation.
    Id,
    /// By the accounting date as the client wrote it.
    AccountingDate,
    /// By the time of the last change.
    ModifiedAt,
}

/// The sort key of an entry, which a cursor holds besides the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// When the entry was created, to the microsecond. The id alone defines the position, but earlier versions of the
    /// server, which may run beside this one, need both.
    CreatedAt(DateTime<Utc>),
    /// The accounting date.
    AccountingDate(NaiveDate),
    /// When the entry was last changed, to the microsecond.
    ModifiedAt(DateTime<Utc>),
}

impl SortKey {
    /// The sort of the list that has such cursors.
    #[must_use]
    pub fn sort(self) -> Sort {
        match self {
            Self::CreatedAt(_) => Sort::Id,
            Self::AccountingDate(_) => Sort::AccountingDate,
            Self::ModifiedAt(_) => Sort::ModifiedAt,
        }
    }
}

/// A position in a list, between two entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The direction in which to continue.
    pub direction: Direction,
    /// The position is directly after this id, or directly before it when the direction is backward.
    pub id: Uuid,
    /// The sort key of the entry with this id.
    pub key: SortKey,
}

impl Cursor {
    /// The same position, with the opposite direction.
    #[must_use]
    pub fn reversed(self) -> Self {
        let id = self.id.as_u128();
        let (direction, id) = match self.direction {
            Direction::Forward => (Direction::Backward, id.saturating_add(1)),
            Direction::Backward => (Direction::Forward, id.saturating_sub(1)),
        };
        Self { direction, id: Uuid::from_u128(id), ..self }
    }
}

/// The entries of an index between two others: sort keys with their ids.
#[derive(Debug, Clone, Copy)]
pub struct Between<K> {
    /// The first entry comes after this.
    pub after: (K, Uuid),
    /// The last entry comes before this.
    pub before: (K, Uuid),
}

impl<K: Ord + Copy> Between<K> {
    /// The part of it from a cursor on, in the direction of the cursor. `key` takes the sort key out of it.
    #[must_use]
    pub fn starting_at(self, cursor: Option<Cursor>, key: impl Fn(SortKey) -> K) -> Self {
        let entry = |cursor: Cursor| (key(cursor.key), cursor.id);
        match cursor {
            None => self,
            Some(cursor) if cursor.direction == Direction::Forward => {
                Self { after: self.after.max(entry(cursor)), ..self }
            }
            Some(cursor) => Self { before: self.before.min(entry(cursor)), ..self },
        }
    }
}

/// The maximum number of entries of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u8);

impl Limit {
    /// The largest limit.
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
    type Err = ParseError;

    /// `50` and `50.0`: the Python library sends the latter on every call (contract §1.6).
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let number = whole_number::parse(text).ok().and_then(|number| u8::try_from(number).ok());
        match number {
            Some(number) if (1..=Self::MAX).contains(&number) => Ok(Self(number)),
            _ => Err(ParseError::new("out_of_range", format!("write a whole number from 1 to {}", Self::MAX))),
        }
    }
}

/// The direction in which a list is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Earliest first.
    #[default]
    Asc,
    /// Latest first.
    Desc,
}

impl Order {
    /// The direction in which the list is read from its start.
    #[must_use]
    pub fn direction(self) -> Direction {
        match self {
            Self::Asc => Direction::Forward,
            Self::Desc => Direction::Backward,
        }
    }
}

impl FromStr for Order {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text {
            "asc" => Ok(Self::Asc),
            "desc" => Ok(Self::Desc),
            _ => Err(ParseError::new("invalid_order", "write `asc` or `desc`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_may_be_written_as_floats_and_have_bounds() {
        assert_eq!("50.0".parse(), Ok(Limit(50)));
        assert_eq!("200".parse(), Ok(Limit(200)));
        for text in ["0", "201", "-1", "1.5", "", "all", "1e9"] {
            assert_eq!(text.parse::<Limit>().map_err(|error| error.code), Err("out_of_range"), "{text}");
        }
    }

    #[test]
    fn order_is_asc_or_desc() {
        assert_eq!(("asc".parse(), "desc".parse()), (Ok(Order::Asc), Ok(Order::Desc)));
        for text in ["", "ASC", "ascending", "1"] {
            assert_eq!(text.parse::<Order>().map_err(|error| error.code), Err("invalid_order"), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn cursor_reversed_twice_is_the_same(backward: bool, id in 1..u128::MAX) {
            let direction = if backward { Direction::Backward } else { Direction::Forward };
            let key = SortKey::CreatedAt(DateTime::UNIX_EPOCH);
            let cursor = Cursor { direction, id: Uuid::from_u128(id), key };
            proptest::prop_assert_ne!(cursor.reversed().direction, direction);
            proptest::prop_assert_eq!(cursor.reversed().reversed(), cursor);
        }
    }
}
