//! Failed authentications that a handler finds itself.

use std::net::IpAddr;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;

use super::authenticator::Authenticator;
use super::error::Error;
use super::throttle::Throttle;

/// Counts the failures of a client's address, for a call that checks a secret in its body.
#[derive(Debug)]
pub struct FailedAuthentications {
    throttle: Throttle,
    client: IpAddr,
}

impl FailedAuthentications {
    /// Counts a failure.
    ///
    /// # Errors
    /// [`Error::TooManyFailures`] for the one that is too many.
    pub fn count(&self) -> Result<(), Error> {
        self.throttle.count_failure(self.client).map_err(Error::TooManyFailures)
    }
}

impl<S> FromRequestParts<S> for FailedAuthentications
where
    S: Send + Sync,
    Authenticator: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let throttle = Authenticator::from_ref(state).throttle().clone();
        Ok(Self { client: throttle.client_of(parts), throttle })
    }
}
