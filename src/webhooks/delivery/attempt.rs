//! One call of an endpoint, and what became of it.

use std::time::Duration;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};

use crate::domain::{EventPosition, EventType};
use crate::outgoing::{Answer, Error, Kind};

/// How much of an answer is kept, in bytes.
pub const KEPT: usize = 1_024;

/// A call that has ended.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The event that was sent.
    pub position: EventPosition,
    /// What it is.
    pub kind: EventType,
    /// Which attempt of the event it was, from 1.
    pub number: u16,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// How long it took.
    pub duration: Duration,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint answered.
    Answered {
        /// The status of the answer.
        status: StatusCode,
        /// The beginning of its body.
        body: String,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// There was no answer, for this reason.
    Failed(&'static str),
}

impl Outcome {
    /// Whether the event counts as delivered: any status of success, and no redirect.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Answered { status, .. } if status.is_success())
    }

    /// Whether the endpoint asks never to be called again.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Answered { status, .. } if *status == StatusCode::GONE)
    }

    /// How long the endpoint asks to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answered { retry_after, .. } => *retry_after,
            Self::Failed(_) => None,
        }
    }

    /// What became of it, as metrics and people name it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Answered { status, .. } if status.is_success() => "delivered",
            Self::Answered { .. } => "refused",
            Self::Failed(_) => "unreachable",
        }
    }

    /// What came of a call. `asked` reads how long an answer asks to be left alone.
    pub fn of(result: Result<Answer, Error>, asked: impl FnOnce(&Answer) -> Option<Duration>) -> Self {
        match result {
            Ok(answer) => {
                let retry_after = if answer.status.is_success() { None } else { asked(&answer) };
                Self::Answered { status: answer.status, body: text(&answer.body), retry_after }
            }
            // The text of the error would name addresses of this network.
            Err(error) => Self::Failed(code(error.kind)),
        }
    }
}

/// Bytes of anybody as a text that Postgres stores: it has no NUL.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', "\u{fffd}")
}

/// The stable name of a failure.
fn code(kind: Kind) -> &'static str {
    match kind {
        Kind::InvalidUrl => "invalid_url",
        Kind::NotAllowed => "address_not_allowed",
        Kind::NotResolved => "name_not_resolved",
        Kind::NotConnected => "not_connected",
        Kind::Tls => "tls_failed",
        Kind::Timeout => "timeout",
        Kind::Interrupted => "interrupted",
        Kind::TooLarge | Kind::Malformed => "malformed_answer",
    }
}
