//! The id in the path of a request.

use std::str::FromStr;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;

/// The id in a path; `None` when it is not an id. Such a text is the id of nothing, so the answer is the same as for an
/// unknown id.
#[must_use]
pub fn path_id<T: FromStr>(path: Result<Path<String>, PathRejection>) -> Option<T> {
    path.ok().and_then(|Path(id)| id.parse().ok())
}
