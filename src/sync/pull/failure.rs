//! Why a pull ended before it was complete.

use std::time::Duration;

use crate::connectors::{self, Fault};
use crate::db;

/// Why a pull ended. What was stored before stays, and the next pull continues there.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The software failed, or refused.
    #[error(transparent)]
    Software(#[from] connectors::Error),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// Somebody else reads these objects now.
    #[error("the lease has lapsed, and another server may have it")]
    LeaseLost,
    /// The server stops.
    #[error("the server stops")]
    Stopped,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// Whether an error of the software concerns one resource only, for example one that the user there may not read. The
/// pull goes on with the next resource then.
#[must_use]
pub fn is_of_one_resource(error: &connectors::Error) -> bool {
    use connectors::Error as E;
    matches!(error, E::Rejected(_) | E::Conflict(_) | E::Protocol(_) | E::Unsupported(_))
}

/// How long the software asks us to wait.
#[must_use]
pub fn wait_of(error: &connectors::Error) -> Option<Duration> {
    match error {
        connectors::Error::LockedOut { after, .. } | connectors::Error::RateLimited { after } => *after,
        _ => None,
    }
}

/// The error as clients see it: a stable code and a sentence.
#[must_use]
pub fn shown(error: &connectors::Error) -> (&'static str, String) {
    use connectors::Error as E;
    let code = match error {
        E::Unauthorized(_) => "unauthorized",
        E::LockedOut { .. } => "locked_out",
        E::Rejected(_) => "refused",
        E::Conflict(_) => "conflict",
        E::RateLimited { .. } => "rate_limited",
        E::Unavailable { .. } => "unavailable",
        E::Protocol(_) => "unreadable_answer",
        E::Choose { .. } => "must_be_chosen",
        E::Unsupported(_) => "unsupported",
    };
    (code, error.to_string().chars().filter(|character| *character != '\0').take(Fault::MAX_CHARACTERS).collect())
}
