//! The name of the accounting software behind a connection, as a person writes it.

use std::str::FromStr;

use crate::connectors::{self, registry};
use crate::domain::ParseError;

/// The accounting software behind a connection.
#[derive(Debug, Clone, Copy)]
pub enum Provider {
    /// None: this server itself is the book of record.
    None,
    /// One that there is a connector for.
    Software(&'static dyn connectors::Provider),
}

impl Provider {
    /// The name of [`Self::None`].
    pub const NONE: &str = "none";
}

impl FromStr for Provider {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text == Self::NONE {
            return Ok(Self::None);
        }
        registry::find(text).map(Self::Software).ok_or_else(|| {
            let names: Vec<_> = registry::ALL.iter().map(|provider| provider.slug()).chain([Self::NONE]).collect();
            ParseError::new("unknown_provider", format!("no such provider; write one of {}", names.join(", ")))
        })
    }
}
