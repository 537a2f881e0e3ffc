//! What can go wrong between us and accounting software, and whether a payment may have been written all the same.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::outgoing;

/// Whether the software can have received the request.
pub use crate::outgoing::Sent;

/// Why a call to the software failed. No text holds a secret or a traceback.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The software does not accept the credentials, or not for this. A person must act.
    #[error("the software refused the credentials: {0}")]
    Unauthorized(String),
    /// Too many failed sign-ins; the credentials may be right.
    #[error("the software lets nobody sign in for a while: {detail}")]
    LockedOut {
        /// How long to wait.
        after: Option<Duration>,
        /// The software's text.
        detail: String,
    },
    /// The software refused the payment for good.
    #[error("the software refused it: {}", .0.iter().map(|fault| fault.detail.as_str()).collect::<Vec<_>>().join("; "))]
    Rejected(Vec<Fault>),
    /// The software saw another change, or the key is taken: look again.
    #[error("something else changed in the software at the same time: {0}")]
    Conflict(String),
    /// The software asks for fewer requests.
    #[error("the software asks for fewer requests")]
    RateLimited {
        /// How long to wait, when it says so.
        after: Option<Duration>,
    },
    /// The software cannot be reached, or is down.
    #[error("the software cannot be reached: {detail}")]
    Unavailable {
        /// Whether it can have received the request.
        sent: Sent,
        /// What happened.
        detail: String,
    },
    /// An answer that cannot be understood.
    #[error("the software's answer cannot be understood: {0}")]
    Protocol(String),
    /// One of the databases or companies must be named.
    #[error("name one of these with {option}: {}", .names.join(", "))]
    Choose {
        /// The option of the command line: `--database` or `--company`.
        option: &'static str,
        /// What there is.
        names: Vec<String>,
    },
    /// The software, or this version of it, cannot do what is asked.
    #[error("{0}")]
    Unsupported(String),
}

/// A reason for which the software cannot take a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// JSON pointer (RFC 6901) into the body of the create call; empty for the payment as a whole.
    pub pointer: String,
    /// Ours, stable: `required`, `unknown_reference`, `refused_by_software` and so on.
    pub code: String,
    /// What is wrong, in our words or the software's.
    pub detail: String,
}

impl Fault {
    /// The most characters of a software's text that are kept.
    pub const MAX_CHARACTERS: usize = 1_000;

    /// A fault at a member.
    pub fn new(pointer: impl Into<String>, code: &str, detail: impl AsRef<str>) -> Self {
        let detail = detail.as_ref().chars().take(Self::MAX_CHARACTERS).collect();
        Self { pointer: pointer.into(), code: code.to_owned(), detail }
    }
}

/// What a failed attempt to write a payment left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was written.
    NotApplied,
    /// The payment may have been written: only a look-up shows it.
    Unknown,
}

impl Error {
    /// What an attempt that failed with this left in the software. For a connector of several steps, every error after
    /// the first step is [`Outcome::Unknown`]: it wraps such an error with [`Error::after_first_step`].
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Unauthorized(_)
            | Self::LockedOut { .. }
            | Self::Rejected(_)
            | Self::RateLimited { .. }
            | Self::Choose { .. }
            | Self::Unsupported(_)
            | Self::Unavailable { sent: Sent::No, .. } => Outcome::NotApplied,
            Self::Conflict(_) | Self::Protocol(_) | Self::Unavailable { sent: Sent::Maybe, .. } => Outcome::Unknown,
        }
    }

    /// The same failure of a later step: something was written already, so the outcome is unknown.
    #[must_use]
    pub fn after_first_step(self) -> Self {
        match self.outcome() {
            Outcome::Unknown => self,
            Outcome::NotApplied => Self::Unavailable { sent: Sent::Maybe, detail: self.to_string() },
        }
    }
}

impl From<outgoing::Error> for Error {
    fn from(error: outgoing::Error) -> Self {
        Self::Unavailable { sent: error.sent, detail: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_certainly_not_written_is_not_applied() {
        let unavailable = |sent| Error::Unavailable { sent, detail: String::new() };
        assert_eq!(unavailable(Sent::No).outcome(), Outcome::NotApplied);
        for error in [
            unavailable(Sent::Maybe),
            Error::Conflict(String::new()),
            Error::Protocol(String::new()),
            unavailable(Sent::No).after_first_step(),
            Error::Rejected(Vec::new()).after_first_step(),
        ] {
            assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
        }
    }
}
