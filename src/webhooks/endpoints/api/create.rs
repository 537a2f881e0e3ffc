//! `POST /webhooks`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::body::WebhookBody;
use super::view::WebhookView;
use crate::auth::{CanInProject, WebhooksWrite};
use crate::http::problem::{Error as HttpError, FieldErrors};
use crate::http::request::JsonBody;
use crate::webhooks::endpoints::{Endpoints, Error, NewEndpoint};

/// Creates a webhook endpoint, which gets the events of the project from now on.
///
/// The answer is the only one that has its secret.
#[utoipa::path(
    post, path = "/webhooks", tag = "webhooks", operation_id = "create_webhook",
    request_body = WebhookBody,
    responses((status = 201, description = "Created", body = WebhookView)),
    security(("api_key" = ["webhooks:write"])),
)]
pub async fn create_webhook(
    CanInProject { project, .. }: CanInProject<WebhooksWrite>,
    State(endpoints): State<Endpoints>,
    JsonBody { value, warnings, .. }: JsonBody<Option<NewEndpoint>>,
) -> Result<(StatusCode, Json<WebhookView>), Response> {
    // A body from which no endpoint could be read was refused before.
    let new = value.ok_or_else(|| HttpError::InvalidBody(FieldErrors::default()).into_response())?;
    let (endpoint, secret) = endpoints.create(&project, new).await.map_err(Error::into_response)?;
    let view = WebhookView::new(project.project_id(), endpoint, &endpoints);
    Ok((StatusCode::CREATED, Json(view.with_secret(&secret).with_warnings(warnings))))
}
