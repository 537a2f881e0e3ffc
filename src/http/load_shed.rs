//! More requests at a time than the server can work on: the rest is refused at once.
//!
//! Whoever waits behind a thousand others gets an answer that comes too late and costs as much as one in time. So there
//! is no queue here: a request above the limit is told so before its key is looked at or its body is read.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::connections::Crowded;
use super::error::Error;
use super::health::is_probe;

/// Room for requests. Cheap to clone: all clones share it.
#[derive(Debug, Clone)]
pub struct LoadShed(Arc<Semaphore>);

impl LoadShed {
    /// Room for `most` requests at a time.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most)))
    }
}

/// The layer. Probes always pass: a server must not be restarted for being busy.
pub async fn shed(State(LoadShed(room)): State<LoadShed>, request: Request, next: Next) -> Response {
    if request.extensions().get::<MatchedPath>().is_some_and(|path| is_probe(path.as_str())) {
        return next.run(request).await;
    }
    let is_crowded = request.extensions().get::<Crowded>().is_some();
    match room.try_acquire() {
        Ok(_place) if !is_crowded => next.run(request).await,
        _ => Error::Overloaded.into_response(),
    }
}
