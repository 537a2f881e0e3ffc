//! Look-ups for an address that was refused too often: a few a second, for those who wait as they were told to.
//!
//! A caller with good secrets may share an address with a program that is refused all the time, and after a start the
//! server knows neither. So secrets that come again after the time in `Retry-After` are looked up. Secrets that come
//! once, as guesses do, or before that time cost no look-up.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;

use super::credentials::cache::Hashes;
use crate::domain::Clock;
use crate::http::limits::rate_limit::{Exceeded, Limiter, Quota};
use crate::http::server::client_address::Network;

/// The most secrets that are remembered, of some 150 bytes each.
const CAPACITY: usize = 10_000;
/// Look-ups a second for each such address.
const LOOK_UPS: Quota = Quota { count: NonZeroU32::new(5).unwrap(), seconds: NonZeroU32::MIN };

/// Remembers which secrets were told to come again, and when. Cheap to clone: all clones share it.
#[derive(Debug, Clone)]
pub(super) struct Retries {
    clock: Clock,
    due: Arc<Cache<(Network, Hashes), Duration>>,
    single_flight: Limiter<Network>,
}

impl Retries {
    pub fn new(clock: &Clock) -> Self {
        let single_flight = Limiter::new("failed-authentication", LOOK_UPS, clock.clone());
        Self { clock: clock.clone(), due: Arc::new(Cache::new(CAPACITY)), single_flight }
    }

    /// Lets secrets pass that come again when they were told to; tells the others when to come again.
    ///
    /// # Errors
    /// `refusal`, or the time until the next look-up of this address.
    pub fn check(&self, network: Network, secrets: Hashes, refusal: Exceeded) -> Result<(), Exceeded> {
        let (entry, now) = ((network, secrets), self.clock.elapsed());
        match self.due.get(&entry) {
            Some(due) if due > now => Err(refusal),
            Some(_) => {
                self.single_flight.take(&network)?;
                // Should they be no good, they wait again.
                self.due.remove(&entry);
                Ok(())
            }
            None => {
                self.due.insert(entry, now + refusal.wait());
                Err(refusal)
            }
        }
    }
}
