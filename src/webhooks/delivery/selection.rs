//! Which earlier events are sent again.

use std::str::FromStr;

use crate::domain::ParseError;

/// Which of the events in a range of time are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// Those that were sent and did not arrive.
    Failed,
    /// Those that were never sent, for example because the endpoint was disabled.
    Missing,
    /// All of them.
    All,
}

impl Selection {
    /// Its name, as clients and the database write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Missing => "missing",
            Self::All => "all",
        }
    }

    /// Whether an event is meant. `delivered` is whether a call with it succeeded; none where it was never sent.
    #[must_use]
    pub fn includes(self, delivered: Option<bool>) -> bool {
        match self {
            Self::Failed => delivered == Some(false),
            Self::Missing => delivered.is_none(),
            Self::All => true,
        }
    }
}

impl FromStr for Selection {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let known = [Self::Failed, Self::Missing, Self::All].into_iter().find(|selection| selection.as_str() == text);
        known.ok_or_else(|| ParseError::new("unknown_value", "write `failed`, `missing` or `all`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selection_depends_on_what_became_of_an_event() {
        let included = |text: &str| {
            let selection: Selection = text.parse().expect(text);
            assert_eq!(selection.as_str(), text);
            [None, Some(false), Some(true)].map(|delivered| selection.includes(delivered))
        };
        assert_eq!(included("failed"), [false, true, false]);
        assert_eq!(included("missing"), [true, false, false]);
        assert_eq!(included("all"), [true, true, true]);
        assert!("".parse::<Selection>().is_err());
    }
}
