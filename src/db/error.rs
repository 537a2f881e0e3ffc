//! The classes of database failures: what each leaves behind.

use std::sync::Arc;

use sqlx::error::DatabaseError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

use super::pooler;
use crate::domain::ParseError;

/// A failure, and whether anything was stored. Cheap to clone: one failed statement can fail many requests.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The database could not be reached, or gave up before it changed anything. Trying again is safe.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] Arc<sqlx::Error>),
    /// A statement that writes was sent, and its outcome is not known.
    #[error("whether the database has written is not known: {0}")]
    Lost(#[source] Arc<sqlx::Error>),
    /// A constraint refused a row. Nothing was stored.
    #[error("the database refused a row: {0}")]
    Constraint(#[source] Arc<sqlx::Error>),
    /// The database refused a statement, or its answer cannot be read: our fault. Nothing was stored.
    #[error("the database reported: {0}")]
    Internal(#[source] Arc<sqlx::Error>),
}

impl Error {
    /// The failure to reach the database. Nothing has had an effect.
    #[must_use]
    pub fn unavailable(cause: sqlx::Error) -> Self {
        Self::Unavailable(Arc::new(cause))
    }

    /// The failure of a statement that writes, or of a commit, after it was sent.
    ///
    /// The code alone does not say whether something was stored. `FATAL` and `PANIC` end the session with any code: the
    /// statement may have committed before. A pooler or a proxy sends them too, with codes of its own, when it loses
    /// its session with Postgres. An `ERROR` aborts the transaction, but it counts as Postgres' own only with a code of
    /// a fixed list. Everything else leaves the outcome unknown.
    #[must_use]
    pub fn of_write(error: sqlx::Error) -> Self {
        let effect = match &error {
            // Nothing was sent.
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Effect::None,
            sqlx::Error::Encode(_) | sqlx::Error::InvalidArgument(_) => Effect::Fault,
            sqlx::Error::Database(database) if is_error(database.as_ref()) => effect_of(database.as_ref()),
            _ => Effect::Unknown,
        };
        Self::new(effect, error)
    }

    fn new(effect: Effect, error: sqlx::Error) -> Self {
        let error = Arc::new(pooler::explain(error));
        match effect {
            Effect::None => Self::Unavailable(error),
            Effect::Unknown => Self::Lost(error),
            Effect::Refused => Self::Constraint(error),
            Effect::Fault => Self::Internal(error),
        }
    }

    /// The name of the constraint that refused a row.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        let Self::Constraint(error) = self else { return None };
        let name = error.as_database_error().and_then(DatabaseError::constraint)?;
        // In a shard of Citus, the number of the shard follows.
        let (of_table, shard) = name.rsplit_once('_').unwrap_or((name, ""));
        let is_number = !shard.is_empty() && shard.bytes().all(|byte| byte.is_ascii_digit());
        Some(if is_number { of_table } else { name })
    }
}

impl From<sqlx::Error> for Error {
    /// The failure of a statement that only reads. It has no effect, so the class only says who can act on it.
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        let effect = match &error {
            E::PoolTimedOut | E::PoolClosed | E::Io(_) | E::Tls(_) | E::Protocol(_) | E::WorkerCrashed => Effect::None,
            E::Database(database) if !is_error(database.as_ref()) => Effect::None,
            E::Database(database) => match effect_of(database.as_ref()) {
                // The node of Citus that has the rows is away or is starting.
                Effect::Unknown if is_away(database.as_ref()) => Effect::None,
                Effect::Unknown => Effect::Fault,
                known => known,
            },
            _ => Effect::Fault,
        };
        Self::new(effect, error)
    }
}

#[derive(Clone, Copy)]
enum Effect {
    None,
    Unknown,
    Refused,
    Fault,
}

/// Whether a database is away for now: it may come back by itself, without a change of a setting.
#[must_use]
pub fn is_unavailable(error: &anyhow::Error) -> bool {
    let is_transient = |error: &sqlx::Error| match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            // Or read-only, out of sessions or disk.
            is_away(error.as_ref()) || code == "25006" || code.starts_with("53")
        }
        _ => false,
    };
    error.chain().any(|cause| match (cause.downcast_ref::<Error>(), cause.downcast_ref::<sqlx::Error>()) {
        (Some(Error::Unavailable(_) | Error::Lost(_)), _) => true,
        (_, Some(error)) => is_transient(error),
        _ => false,
    })
}

/// Whether Postgres has ended only the statement, and keeps the session.
fn is_error(error: &dyn DatabaseError) -> bool {
    error.try_downcast_ref::<PgDatabaseError>().is_some_and(|error| error.severity() == PgSeverity::Error)
}

/// Whether Postgres cannot be reached, or is stopping or starting, by the SQLSTATE.
fn is_away(error: &dyn DatabaseError) -> bool {
    error.code().is_some_and(|code| code.starts_with("08") || code.starts_with("57P"))
}

/// The effect of an `ERROR`, by its SQLSTATE (PostgreSQL documentation, appendix A).
fn effect_of(error: &dyn DatabaseError) -> Effect {
    let code = error.code().unwrap_or_default();
    match (code.as_ref(), code.get(..2).unwrap_or_default()) {
        // Cancelled by statement_timeout, no lock, deadlock, serialization failure, read-only standby; out of sessions,
        // memory or disk.
        ("57014" | "55P03" | "40P01" | "40001" | "25006", _) | (_, "53") => Effect::None,
        (_, "23") => Effect::Refused,
        // Values, statements and transaction states that Postgres does not accept; an exception of a trigger.
        (_, "0A" | "21" | "22" | "25" | "26" | "42" | "54" | "55" | "P0") => Effect::Fault,
        _ => Effect::Unknown,
    }
}

/// The error for a stored value that the domain's types refuse: another program wrote it.
#[must_use]
pub fn corrupt_row(refusal: ParseError) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(refusal))
}
