//! How long a handler may hold a request back after its work is stored.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tokio::time::Instant;

use super::prefer::Prefer;
use crate::http::admission::Admission;

/// What is kept of the request's time to make and send the answer.
const FOR_THE_ANSWER: Duration = Duration::from_secs(1);

/// When the request's time is over; an extension of the request. It counts from the request's head.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(pub Instant);

/// A request that its handler may hold back.
#[derive(Debug)]
pub struct Hold {
    /// What the client prefers.
    pub prefer: Prefer,
    until: Instant,
    admission: Option<Admission>,
}

impl Hold {
    /// Until when it may be held back: a second before its time is over.
    #[must_use]
    pub fn until(&self) -> Instant {
        self.until
    }

    /// Returns the request's place among those that are processed: it only waits from now on.
    pub fn return_slot(&self) {
        if let Some(admission) = &self.admission {
            admission.return_slot();
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Hold {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let now = Instant::now();
        let end = parts.extensions.get().map_or(now, |Deadline(end)| *end);
        let until = end.checked_sub(FOR_THE_ANSWER).unwrap_or(now);
        Ok(Self { prefer: Prefer::of(&parts.headers), until, admission: Admission::of(&parts.extensions) })
    }
}
