//! The response for paths that no route has.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, Uri};
use tower::ServiceExt;

use crate::http::problem::error::Error;

/// The error for a path that is not in `routes`. It names the path without a slash at the end if `routes` has that one:
/// such a slash is a common mistake, and `/a/` and `/a` are different paths (RFC 3986 section 6.2.3).
pub async fn not_found(routes: Router, uri: Uri) -> Error {
    let without_slash = uri.path().trim_end_matches('/');
    if without_slash.len() < uri.path().len() && has(routes, without_slash).await {
        return Error::TrailingSlash { without_slash: without_slash.to_owned() };
    }
    Error::RouteNotFound
}

/// Whether a route has this path. No route accepts the method TRACE, so no handler runs.
async fn has(routes: Router, path: &str) -> bool {
    let Ok(request) = Request::builder().method(Method::TRACE).uri(path).body(Body::empty()) else { return false };
    let Ok(response) = routes.oneshot(request).await;
    response.status() == StatusCode::METHOD_NOT_ALLOWED
}
