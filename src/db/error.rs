//! Database failures, told apart by what they leave behind.

use sqlx::error::DatabaseError;

use crate::domain::Refusal;

/// What went wrong, and whether anything was stored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database could not be asked, or gave up before changing anything. Trying again is safe.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// The connection broke after a statement was sent: whether it took effect is not known.
    #[error("the connection to the database broke off: {0}")]
    Lost(#[source] sqlx::Error),
    /// A constraint refused a row. Nothing was stored.
    #[error("the database refused a row: {0}")]
    Constraint(#[source] sqlx::Error),
    /// Anything else: our fault. Nothing was stored.
    #[error("the database reported: {0}")]
    Internal(#[source] sqlx::Error),
}

impl Error {
    /// The name of the constraint that refused a row.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Constraint(sqlx::Error::Database(error)) => error.constraint(),
            _ => None,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::PoolTimedOut | E::PoolClosed => Self::Unavailable(error),
            E::Io(_) | E::Tls(_) | E::Protocol(_) | E::WorkerCrashed => Self::Lost(error),
            E::Database(database) => match effect_of(database.as_ref()) {
                Effect::None => Self::Unavailable(error),
                Effect::Unknown => Self::Lost(error),
                Effect::Refused => Self::Constraint(error),
                Effect::Fault => Self::Internal(error),
            },
            _ => Self::Internal(error),
        }
    }
}

enum Effect {
    None,
    Unknown,
    Refused,
    Fault,
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
