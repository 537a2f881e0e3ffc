//! Why a pull ended before it was complete.

use crate::connectors;
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
