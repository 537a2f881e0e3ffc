//! More requests at a time than the server can work on: the rest is refused at once.
//!
//! An answer that waits behind a thousand others comes too late and costs as much as one in time. So there is no queue
//! here. A request passes three bounds, one after the other, and holds one at a time:
//!
//! 1. while it is not known who asks: a bound on the number of such requests;
//! 2. while its body arrives: bounds on the number and the bytes of bodies, which API keys share;
//! 3. while it is worked on: a place, which API keys share.
//!
//! A large answer counts against a bound of its own until it is sent ([`crate::http::admission::response_budget`]). What sharing promises
//! is in [`crate::http::limits::fair_share`]. A slow body holds no place.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::response_budget::ANSWER_BYTES;
use crate::http::limits::fair_share::FairShare;

/// Bodies that may arrive at a time, for each place.
const BODIES_FOR_A_PLACE: usize = 4;
/// The bytes of all bodies that are arriving or being read: four of the largest that can be allowed.
const BODY_BYTES: usize = 256 * 1_024 * 1_024;

/// Room for requests. Cheap to clone: all clones share it.
#[derive(Debug, Clone)]
pub struct LoadShed {
    unauthenticated: Arc<Semaphore>,
    pub(super) bodies: FairShare,
    pub(super) body_bytes: FairShare,
    pub(super) places: FairShare,
    pub(super) answer_bytes: FairShare,
}

impl LoadShed {
    /// Room for `most` requests at a time, and for as many of which the caller is not known yet.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            unauthenticated: Arc::new(Semaphore::new(most)),
            bodies: FairShare::new(most * BODIES_FOR_A_PLACE),
            body_bytes: FairShare::new(BODY_BYTES),
            places: FairShare::new(most),
            answer_bytes: FairShare::new(ANSWER_BYTES),
        }
    }

    /// A permit for a request of which the caller is not known yet, if there is one.
    #[must_use]
    pub fn try_begin(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.unauthenticated).try_acquire_owned().ok()
    }
}
