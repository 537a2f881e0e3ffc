//! Database failures, told apart by what they leave behind.

use std::sync::Arc;

use sqlx::error::DatabaseError;

use crate::domain::Refusal;

/// What went wrong, and whether anything was stored. Cheap to clone: one failed statement can fail many requests.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The database could not be asked, or gave up before changing anything. Trying again is safe.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] Arc<sqlx::Error>),
    /// The connection broke after a statement was sent: whether it took effect is not known.
    #[error("the connection to the database broke off: {0}")]
    Lost(#[source] Arc<sqlx::Error>),
    /// A constraint refused a row. Nothing was stored.
    #[error("the database refused a row: {0}")]
    Constraint(#[source] Arc<sqlx::Error>),
    /// Anything else: our fault. Nothing was stored.
    #[error("the database reported: {0}")]
    Internal(#[source] Arc<sqlx::Error>),
}

impl Error {
    /// A database that cannot be asked: nothing has had an effect, whatever the cause.
    #[must_use]
    pub fn unavailable(cause: sqlx::Error) -> Self {
        Self::Unavailable(Arc::new(cause))
    }

    /// The name of the constraint that refused a row.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Constraint(error) => error.as_database_error().and_then(DatabaseError::constraint),
            _ => None,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        let effect = match &error {
            E::PoolTimedOut | E::PoolClosed => Effect::None,
            E::Io(_) | E::Tls(_) | E::Protocol(_) | E::WorkerCrashed => Effect::Unknown,
            E::Database(database) => effect_of(database.as_ref()),
            _ => Effect::Fault,
        };
        let error = Arc::new(error);
        match effect {
            Effect::None => Self::Unavailable(error),
            Effect::Unknown => Self::Lost(error),
            Effect::Refused => Self::Constraint(error),
            Effect::Fault => Self::Internal(error),
        }
    }
}

enum Effect {
    None,
    Unknown,
    Refused,
    Fault,
}

/// Whether a database is away for now: it may come back by itself, and nobody has to change a setting for it.
#[must_use]
pub fn is_away(error: &anyhow::Error) -> bool {
    let is_passing = |error: &sqlx::Error| match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            // Stopped, starting, read-only, out of connections or disk, connection refused.
            code.starts_with("57P") || code == "25006" || code.starts_with("53") || code.starts_with("08")
        }
        _ => false,
    };
    error.chain().any(|cause| match (cause.downcast_ref::<Error>(), cause.downcast_ref::<sqlx::Error>()) {
        (Some(Error::Unavailable(_) | Error::Lost(_)), _) => true,
        (_, Some(error)) => is_passing(error),
        _ => false,
    })
}

/// Reads the SQLSTATE (PostgreSQL documentation, appendix A).
fn effect_of(error: &dyn DatabaseError) -> Effect {
    let code = error.code().unwrap_or_default();
    match code.as_ref() {
        // Shut down by an administrator or a crash: it may have struck between the commit and its announcement.
        "57P01" | "57P02" => Effect::Unknown,
        // Starting or stopping, cancelled by statement_timeout, no lock, deadlock, serialization, read-only standby.
        "57P03" | "57P05" | "57014" | "55P03" | "40P01" | "40001" | "25006" => Effect::None,
        // Out of connections, memory or disk; connection refused.
        code if code.starts_with("53") || code.starts_with("08") => Effect::None,
        code if code.starts_with("23") => Effect::Refused,
        _ => Effect::Fault,
    }
}

/// A stored value that the domain's types refuse: this server did not write it.
#[must_use]
pub fn foreign(refusal: Refusal) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(refusal))
}
