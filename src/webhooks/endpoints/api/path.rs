//! The id of an endpoint in a path.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;

use crate::domain::WebhookEndpointId;
use crate::webhooks::endpoints::Error;

/// The id. What is not an id is no endpoint's id: the same answer as for an unknown one.
pub fn id(path: Result<Path<String>, PathRejection>) -> Result<WebhookEndpointId, Error> {
    path.ok().and_then(|Path(id)| id.parse().ok()).ok_or(Error::NotFound)
}
