//! What a failed call to the software means: for the write, and for the connection.

use std::time::Duration;

use super::event::Event;
use crate::connectors::{Error, Fault, Outcome};
use crate::management::connections::CREDENTIALS_REFUSED;

/// How long to wait when the software lets nobody sign in and does not say for how long.
const LOCKED_OUT: Duration = Duration::from_mins(5);
/// How long to wait when the software asks for fewer requests and does not say for how long.
const RATE_LIMITED: Duration = Duration::from_secs(30);
/// The longest wait that a software can ask for.
const LONGEST: Duration = Duration::from_hours(1);

/// What a call shows of the connection as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// The software answered.
    Good,
    /// The software cannot be reached or answers nonsense: the circuit opens for a while.
    Bad,
    /// The software asks for a pause.
    Wait(Duration),
    /// A person must change the connection's credentials or settings: a code, and the software's text.
    NeedsReauth(&'static str, String),
}

impl Health {
    /// What a failed call shows.
    #[must_use]
    pub fn after(error: &Error) -> Self {
        match error {
            Error::Rejected(_) | Error::Conflict(_) | Error::Unsupported(_) => Self::Good,
            Error::Unavailable { .. } | Error::Protocol(_) => Self::Bad,
            Error::LockedOut { after, .. } => Self::Wait(after.unwrap_or(LOCKED_OUT).min(LONGEST)),
            Error::RateLimited { after } => Self::Wait(after.unwrap_or(RATE_LIMITED).min(LONGEST)),
            // Tried once and never again by itself: a software that counts failed sign-ins would lock the user out.
            Error::Unauthorized(detail) => Self::NeedsReauth(CREDENTIALS_REFUSED, detail.clone()),
            Error::Choose { .. } => Self::NeedsReauth("not_chosen", error.to_string()),
        }
    }

    /// The wait that the write needs with it.
    fn wait(&self) -> Option<Duration> {
        if let Self::Wait(wait) = self { Some(*wait) } else { None }
    }
}

/// The fault that says why a call failed.
#[must_use]
pub fn fault(error: &Error) -> Fault {
    let code = match error {
        Error::Unauthorized(_) => CREDENTIALS_REFUSED,
        Error::LockedOut { .. } => "locked_out",
        Error::Rejected(_) => "refused_by_software",
        Error::Conflict(_) => "conflict",
        Error::RateLimited { .. } => "rate_limited",
        Error::Unavailable { .. } => "unavailable",
        Error::Protocol(_) => "unreadable_answer",
        Error::Choose { .. } => "not_chosen",
        Error::Unsupported(_) => "unsupported",
    };
    Fault::new("", code, error.to_string())
}

/// What a failed read before the first byte of a payment means: nothing was written by this attempt.
#[must_use]
pub fn not_begun(error: &Error) -> Event {
    Event::NotApplied { fault: fault(error), after: Health::after(error).wait() }
}

/// What a failed look-up means for a write whose outcome is not known: it stays so.
#[must_use]
pub fn still_unknown(error: &Error) -> Event {
    Event::Lost(vec![fault(error)])
}

/// What a failed [`create`](crate::connectors::Connector::create) means, when the software did not refuse the payment.
#[must_use]
pub fn of_create(error: &Error) -> Event {
    match error.outcome() {
        Outcome::NotApplied => not_begun(error),
        Outcome::Unknown => still_unknown(error),
    }
}

/// The reasons for which the software refuses the payment for good; `None` for any other failure.
#[must_use]
pub fn refusal(error: &Error) -> Option<Vec<Fault>> {
    match error {
        Error::Rejected(faults) if faults.is_empty() => Some(vec![fault(error)]),
        Error::Rejected(faults) => Some(faults.clone()),
        Error::Unsupported(_) => Some(vec![fault(error)]),
        _ => None,
    }
}
