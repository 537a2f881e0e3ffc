//! What a pull reads.

use serde::{Serialize, Serializer};

use crate::connectors::Capabilities;
use crate::domain::references::Resource;

/// A kind of object that a pull reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulled {
    /// What payments refer to.
    References(Resource),
    /// Payments that the software has, made by us and by others.
    Payments,
}

impl Pulled {
    /// All kinds, in the order in which they are pulled: what others refer to comes first.
    pub fn all() -> impl Iterator<Item = Self> {
        Resource::ALL.iter().copied().map(Self::References).chain([Self::Payments])
    }

    /// Those that a kind of software is asked for.
    pub fn of(capabilities: &Capabilities) -> impl Iterator<Item = Self> {
        let reads_payments = capabilities.reads_payments;
        Self::all().filter(move |pulled| *pulled != Self::Payments || reads_payments)
    }

    /// Its name, in the database and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::References(resource) => resource.as_str(),
            Self::Payments => "payment",
        }
    }
}

impl Serialize for Pulled {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
