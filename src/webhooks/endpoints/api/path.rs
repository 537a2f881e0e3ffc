//! The id of an endpoint in a path.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;

use crate::domain::WebhookEndpointId;
use crate::http::request::path_id;
use crate::webhooks::endpoints::Error;

/// The id; an unknown endpoint where it is not an id.
pub fn id(path: Result<Path<String>, PathRejection>) -> Result<WebhookEndpointId, Error> {
    path_id(path).ok_or(Error::NotFound)
}
