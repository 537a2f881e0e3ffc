//! The load-shedding layer: refuses requests beyond the server's capacity; see [`crate::http::admission`].

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::probes::is_probe;
use crate::http::admission::{Admission, LoadShed};
use crate::http::problem::Error;

/// An extension of requests on client connections above the limit.
#[derive(Debug, Clone, Copy)]
pub struct OverCapacity;

/// The layer. Probes always pass, so that no busy server is restarted.
pub async fn shed(State(load): State<LoadShed>, mut request: Request, next: Next) -> Response {
    if request.extensions().get::<MatchedPath>().is_some_and(|path| is_probe(path.as_str())) {
        return next.run(request).await;
    }
    let is_over_capacity = request.extensions().get::<OverCapacity>().is_some();
    let permit = match load.try_begin() {
        Some(permit) if !is_over_capacity => permit,
        _ => return Error::Overloaded.into_response(),
    };
    let admission = Admission::new(load, permit);
    request.extensions_mut().insert(admission.clone());
    let mut response = admission.hold_response(next.run(request).await);
    admission.finish(&mut response);
    response
}
