//! Limits on the requests of an API key and on the failed authentications of an address.
//!
//! Each guessed secret, and each request of a program with an old key, costs the database a look-up. So an address that
//! failed too often is refused without a look-up until its quota comes back. Valid callers behind the same proxy or router
//! must not suffer: a caller who authenticated before is looked up in any case, and so is one who retries after
//! `Retry-After` ([`super::retries`]).

use std::net::IpAddr;

use axum::http::request::Parts;

use super::credentials::cache::CredentialHashes;
use super::retries::Retries;
use crate::domain::{ApiKeyId, Clock};
use crate::http::limits::rate_limit::{Exceeded, Limiter, Quota};
use crate::http::server::client_address::{Network, TrustedProxies};

/// Counts requests by API key and failed authentications by address. Without quotas it counts nothing.
#[derive(Debug, Clone, Default)]
pub struct Throttle {
    requests: Option<Limiter<ApiKeyId>>,
    failures: Option<(Limiter<Network>, Retries)>,
    proxies: TrustedProxies,
}

impl Throttle {
    /// Counts against these quotas: `requests` for each API key, `failures` for each address.
    #[must_use]
    pub fn new(requests: Option<Quota>, failures: Option<Quota>, proxies: TrustedProxies, clock: &Clock) -> Self {
        Self {
            requests: requests.map(|quota| Limiter::new("default", quota, clock.clone())),
            failures: failures
                .map(|quota| (Limiter::new("failed-authentication", quota, clock.clone()), Retries::new(clock))),
            proxies,
        }
    }

    /// The limiter of requests by API key, where there is a quota.
    pub(super) fn requests(&self) -> Option<&Limiter<ApiKeyId>> {
        self.requests.as_ref()
    }

    /// The address that a request comes from.
    pub(super) fn client_of(&self, parts: &Parts) -> IpAddr {
        self.proxies.client_of(parts)
    }

    /// Refuses an address that failed too often, unless these secrets are retried after their time.
    pub(super) fn check_unknown(&self, client: IpAddr, secrets: CredentialHashes) -> Result<(), Exceeded> {
        let Some((failures, retries)) = &self.failures else { return Ok(()) };
        let network = client.into();
        failures.check(&network).or_else(|exceeded| retries.check(network, secrets, exceeded))
    }

    /// Counts a failed authentication that cost a look-up. Returns an error for the one that is too many.
    pub(super) fn count_failure(&self, client: IpAddr) -> Result<(), Exceeded> {
        self.failures.as_ref().map_or(Ok(()), |(failures, _)| failures.take(&client.into()).map(drop))
    }
}
