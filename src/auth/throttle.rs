//! How often a caller may ask, and how often an address may be refused.
//!
//! Guessed secrets, and those of a program with an old key, cost the database a look-up a time. So an address that was
//! refused too often after a look-up is refused without one, until its quota comes back. That must not hit its
//! neighbours behind one proxy or router: callers who were let in before are looked up all the same, and so are those
//! who come again when they were told to ([`super::retries`]).

use std::net::IpAddr;

use axum::http::request::Parts;

use super::credentials::cache::Hashes;
use super::retries::Retries;
use crate::domain::{ApiKeyId, Clock};
use crate::http::limits::rate_limit::{Exceeded, Limiter, Quota};
use crate::http::server::client_address::{Network, TrustedProxies};

/// Counts requests by API key and refusals by address. Without quotas it counts nothing.
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

    /// Counts the requests of each API key, where there is a quota.
    pub(super) fn requests(&self) -> Option<&Limiter<ApiKeyId>> {
        self.requests.as_ref()
    }

    /// Where a request comes from.
    pub(super) fn client_of(&self, parts: &Parts) -> IpAddr {
        self.proxies.client_of(parts)
    }

    /// Refuses an address that was refused too often, unless these secrets come again as they were told to.
    pub(super) fn check_stranger(&self, client: IpAddr, secrets: Hashes) -> Result<(), Exceeded> {
        let Some((failures, retries)) = &self.failures else { return Ok(()) };
        let network = client.into();
        failures.check(&network).or_else(|refusal| retries.check(network, secrets, refusal))
    }

    /// Counts a refusal that cost a look-up. The one that is too many is told so.
    pub(super) fn count_failure(&self, client: IpAddr) -> Result<(), Exceeded> {
        self.failures.as_ref().map_or(Ok(()), |(failures, _)| failures.take(&client.into()).map(drop))
    }
}
