//! Look-ups for an address that failed to authenticate too often: a few a second, for secrets that come again after
//! `Retry-After`.
//!
//! A caller with valid secrets may share an address with a program that always fails, and after a start the server knows
//! neither. So secrets that are retried after the time in `Retry-After` are looked up. Secrets that come once, as guesses
//! do, or too early cost no look-up.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;

use super::credentials::cache::CredentialHashes;
use crate::domain::Clock;
use crate::http::limits::rate_limit::{Exceeded, Limiter, Quota};
use crate::http::server::client_address::Network;

/// The most pairs of secrets that are remembered, of some 150 bytes each.
const CAPACITY: usize = 10_000;
/// The look-ups for each such address.
const LOOK_UPS: Quota = Quota { count: NonZeroU32::new(5).unwrap(), seconds: NonZeroU32::MIN };

/// When refused secrets may be retried. Cheap to clone: all clones share it.
#[derive(Debug, Clone)]
pub(super) struct Retries {
    clock: Clock,
    due: Arc<Cache<(Network, CredentialHashes), Duration>>,
    look_ups: Limiter<Network>,
}

impl Retries {
    /// No secrets were refused yet.
    pub fn new(clock: &Clock) -> Self {
        let look_ups = Limiter::new("failed-authentication", LOOK_UPS, clock.clone());
        Self { clock: clock.clone(), due: Arc::new(Cache::new(CAPACITY)), look_ups }
    }

    /// Lets secrets pass that are retried after their time. Others are remembered, with the time in `exceeded`.
    ///
    /// # Errors
    /// `exceeded`, or the time until the next look-up for this address.
    pub fn check(&self, network: Network, secrets: CredentialHashes, exceeded: Exceeded) -> Result<(), Exceeded> {
        let (entry, now) = ((network, secrets), self.clock.elapsed());
        match self.due.get(&entry) {
            Some(due) if due > now => Err(exceeded),
            Some(_) => {
                self.look_ups.take(&network)?;
                // If they turn out to be wrong, they have to wait again.
                self.due.remove(&entry);
                Ok(())
            }
            None => {
                self.due.insert(entry, now + exceeded.wait());
                Err(exceeded)
            }
        }
    }
}
