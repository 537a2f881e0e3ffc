//! `GET /accounting/…/{id}`, for every resource.

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse, Response};
use utoipa::IntoParams;

use super::{Error, Listed, ReferenceView, RemoteData, problems, store};
use crate::auth::{self, Scope};
use crate::http::problem::{ProblemType, types};
use crate::http::request::path_id;

/// What this call can be answered besides 200 and what every call with credentials can be answered.
pub const PROBLEMS: &[&ProblemType] =
    &[&auth::problems::MISSING_SCOPE, &problems::REFERENCE_NOT_FOUND, &types::INVALID_QUERY];

/// The path of one object, in the OpenAPI document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ReferencePath {
    /// The id that the list answered.
    pub id: uuid::Uuid,
}

/// Answers one object of the resource of `T`, also one that is gone in the software.
///
/// # Errors
/// [`PROBLEMS`] lists them.
pub async fn answer<T: Listed>(
    scope: &Scope,
    path: Result<Path<String>, PathRejection>,
    RemoteData { remote_data }: RemoteData,
) -> Result<Response, Error> {
    let id = path_id(path).ok_or(Error::NotFound)?;
    let reference = store::read(scope, T::RESOURCE, id, remote_data).await?.ok_or(Error::NotFound)?;
    Ok(Json(ReferenceView::<T>::of(&reference)?).into_response())
}
