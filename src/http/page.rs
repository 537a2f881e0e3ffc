//! Pages of a list.

use std::str::FromStr;

use serde::Serialize;
use utoipa::ToSchema;
use validator::ValidateRange;

use super::cursor::Direction;
use crate::domain::{Refusal, whole_number};

/// One page of a list. All three members are always present (contract §1.8).
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// Leads to the page before; null at the beginning of the list.
    pub prev_cursor: Option<String>,
    /// Leads to the page after; null at the end of the list, and only there.
    pub next_cursor: Option<String>,
    /// The entries, in the order that was asked for. With filters a page may have fewer than `limit`, even none, before the list ends.
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

/// The direction in which a list is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The earliest first.
    #[default]
    Asc,
    /// The latest first.
    Desc,
}

impl Order {
    /// The direction in which the list is read from its beginning.
    #[must_use]
    pub fn direction(self) -> Direction {
        match self {
            Self::Asc => Direction::Forward,
            Self::Desc => Direction::Backward,
        }
    }
}

impl FromStr for Order {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        match text {
            "asc" => Ok(Self::Asc),
            "desc" => Ok(Self::Desc),
            _ => Err(Refusal::new("invalid_order", "write `asc` or `desc`")),
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
            assert_eq!(text.parse::<Limit>().map_err(|r| r.code), Err("out_of_range"), "{text}");
        }
    }

    #[test]
    fn order_is_asc_or_desc() {
        assert_eq!(("asc".parse(), "desc".parse()), (Ok(Order::Asc), Ok(Order::Desc)));
        for text in ["", "ASC", "ascending", "1"] {
            assert_eq!(text.parse::<Order>().map_err(|r| r.code), Err("invalid_order"), "{text}");
        }
    }
}
