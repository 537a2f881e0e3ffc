//! What can happen to a write into the accounting software.

use std::time::Duration;

use crate::connectors::{Fault, Found, RemotePayment};

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// It will be sent next.
    SendBegins,
    /// It will be looked up next.
    LookUpBegins,
    /// The software answered that it has written the payment.
    Answered(Box<RemotePayment>),
    /// The software refused it, and a look-up after that found nothing.
    Refused(Vec<Fault>),
    /// Certainly nothing was written.
    NotApplied {
        /// Why.
        fault: Fault,
        /// The shortest wait until the next attempt, where the software or the fault says it.
        after: Option<Duration>,
    },
    /// The software has a part of it and refuses the rest.
    HalfRefused(Vec<Fault>),
    /// Whether something was written is not known.
    Lost(Vec<Fault>),
    /// A look-up ended. `last` is the reason for which the write is not sent again by itself.
    LookedUp {
        /// What it found.
        found: Found,
        /// Why nothing is sent after it; `None` when it may be.
        last: Option<Last>,
    },
    /// A look-up that would have been the last one is not possible.
    NoLookUp(Last),
    /// The software has the payment like this, some time after it was written.
    Seen(Box<RemotePayment>),
    /// The software has the payment no more.
    Gone,
    /// A person wants it to be sent.
    Retried,
    /// A person says that it is this payment of the software.
    SettledApplied(Box<RemotePayment>),
    /// A person says that it is not in the software, and this is what a look-up found.
    SettledRejected(Found),
    /// A person takes it back before it was sent.
    Cancelled,
}

/// Why a write is not sent by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// It is so old that somebody may have booked it by hand.
    TooOld,
    /// Its connection is revoked.
    Revoked,
}

impl Last {
    /// The reason as it is stored.
    pub(super) fn fault(self) -> Fault {
        match self {
            Self::TooOld => {
                let detail = "It is too old to be sent by itself: somebody may have booked it by hand.";
                Fault::new("", "too_old", detail)
            }
            Self::Revoked => Fault::new("", "connection_revoked", "Its connection was revoked before it was written."),
        }
    }
}
