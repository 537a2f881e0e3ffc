//! Load shedding: requests beyond the server's capacity are refused at once.
//!
//! There is no queue: a response that waits behind a thousand others comes too late and costs as much as one in time. A
//! request passes three bounds, one after the other, and holds one at a time:
//!
//! 1. before its caller is authenticated: the number of such requests;
//! 2. while its body arrives: the number and the bytes of such bodies, which API keys share;
//! 3. while it is processed: a slot, which API keys share.
//!
//! A slow body therefore holds no slot. A large response has a bound of its own until it is sent
//! ([`super::response_budget`]). [`crate::http::limits::fair_share`] defines how API keys share.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::response_budget::RESPONSE_BYTES;
use crate::http::limits::fair_share::FairShare;

/// Bodies that may arrive at a time, for each slot.
const BODIES_PER_SLOT: usize = 4;
/// The bytes of all bodies that are arriving or being parsed: four of the largest that can be configured.
const BODY_BYTES: usize = 256 * 1_024 * 1_024;

/// The capacity for requests. Cheap to clone: all clones share it.
#[derive(Debug, Clone)]
pub struct LoadShed {
    unauthenticated: Arc<Semaphore>,
    pub(super) bodies: FairShare,
    pub(super) body_bytes: FairShare,
    pub(super) slots: FairShare,
    pub(super) response_bytes: FairShare,
}

impl LoadShed {
    /// Capacity for `max_requests` requests at a time, and for as many that are not authenticated yet.
    #[must_use]
    pub fn new(max_requests: usize) -> Self {
        Self {
            unauthenticated: Arc::new(Semaphore::new(max_requests)),
            bodies: FairShare::new(max_requests * BODIES_PER_SLOT),
            body_bytes: FairShare::new(BODY_BYTES),
            slots: FairShare::new(max_requests),
            response_bytes: FairShare::new(RESPONSE_BYTES),
        }
    }

    /// A permit for a request that is not authenticated yet, if one is free.
    #[must_use]
    pub fn try_begin(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.unauthenticated).try_acquire_owned().ok()
    }
}
