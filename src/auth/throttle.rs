//! How often a caller may ask, and how often an address may be refused.
//!
//! Whoever tries secrets, or runs a program with an old one, costs the database a look-up a time. So an address that
//! was refused too often is refused without a look-up, until its quota comes back. That must not hit its neighbours
//! behind one proxy or router: callers who were let in before are looked up all the same.

use std::net::IpAddr;

use axum::http::request::Parts;

use crate::domain::{ApiKeyId, Clock};
use crate::http::client_address::{Network, TrustedProxies};
use crate::http::rate_limit::{Exceeded, Limiter, Quota, Standing};

/// Counts requests by API key and refusals by address. Without quotas it counts nothing.
#[derive(Debug, Clone, Default)]
pub struct Throttle {
    requests: Option<Limiter<ApiKeyId>>,
    failures: Option<Limiter<Network>>,
    proxies: TrustedProxies,
}

impl Throttle {
    /// Counts against these quotas: `requests` for each API key, `failures` for each address.
    #[must_use]
    pub fn new(requests: Option<Quota>, failures: Option<Quota>, proxies: TrustedProxies, clock: &Clock) -> Self {
        Self {
            requests: requests.map(|quota| Limiter::new("default", quota, clock.clone())),
            failures: failures.map(|quota| Limiter::new("failed-authentication", quota, clock.clone())),
            proxies,
        }
    }

    /// Whether requests are counted.
    #[must_use]
    pub fn limits_requests(&self) -> bool {
        self.requests.is_some()
    }

    /// Where a request comes from.
    pub(super) fn client_of(&self, parts: &Parts) -> IpAddr {
        self.proxies.client_of(parts)
    }

    /// Refuses an address that was refused too often.
    pub(super) fn check_stranger(&self, client: IpAddr) -> Result<(), Exceeded> {
        self.failures.as_ref().map_or(Ok(()), |failures| failures.look(&client.into()))
    }

    /// Counts a refusal. The one that is too many is told so.
    pub(super) fn count_failure(&self, client: IpAddr) -> Result<(), Exceeded> {
        self.failures.as_ref().map_or(Ok(()), |failures| failures.take(&client.into()).map(drop))
    }

    /// Counts a request of a caller who was let in.
    pub(super) fn count_request(&self, key: ApiKeyId) -> Result<Option<Standing>, Exceeded> {
        self.requests.as_ref().map(|requests| requests.take(&key)).transpose()
    }
}
