//! More requests at a time than the server can work on: the rest is refused at once.
//!
//! An answer that waits behind a thousand others comes too late and costs as much as one in time. So there is no queue
//! here. A request passes three bounds, one after the other, and holds one at a time:
//!
//! 1. while it is not known who asks: a bound on the number of such requests;
//! 2. while its body arrives: bounds on the number and the bytes of bodies, which API keys share;
//! 3. while it is worked on: a place, which API keys share.
//!
//! A large answer counts against a bound of its own until it is sent ([`super::response_budget`]). What sharing promises
//! is in [`super::fair_share`]. A slow body holds no place.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::admission::Admission;
use super::connections::Crowded;
use super::error::Error;
use super::fair_share::FairShare;
use super::health::is_probe;
use super::response_budget::ANSWER_BYTES;

/// Bodies that may arrive at a time, for each place.
const BODIES_FOR_A_PLACE: usize = 4;
/// The bytes of all bodies that are arriving or being read: four of the largest that can be allowed.
const BODY_BYTES: usize = 256 * 1_024 * 1_024;

/// Room for requests. Cheap to clone: all clones share it.
#[derive(Debug, Clone)]
pub struct LoadShed {
    unknown: Arc<Semaphore>,
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
            unknown: Arc::new(Semaphore::new(most)),
            bodies: FairShare::new(most * BODIES_FOR_A_PLACE),
            body_bytes: FairShare::new(BODY_BYTES),
            places: FairShare::new(most),
            answer_bytes: FairShare::new(ANSWER_BYTES),
        }
    }
}

/// The layer. Probes always pass: a server must not be restarted for being busy.
pub async fn shed(State(load): State<LoadShed>, mut request: Request, next: Next) -> Response {
    if request.extensions().get::<MatchedPath>().is_some_and(|path| is_probe(path.as_str())) {
        return next.run(request).await;
    }
    let is_crowded = request.extensions().get::<Crowded>().is_some();
    let unknown = match Arc::clone(&load.unknown).try_acquire_owned() {
        Ok(unknown) if !is_crowded => unknown,
        _ => return Error::Overloaded.into_response(),
    };
    let admission = Admission::new(load, unknown);
    request.extensions_mut().insert(admission.clone());
    let mut response = admission.cover(next.run(request).await);
    admission.finish(&mut response);
    response
}
