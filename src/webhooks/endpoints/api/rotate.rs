//! `POST /webhooks/{id}/secret/rotate`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::path;
use super::view::WebhookView;
use crate::auth::{CanInProject, WebhooksWrite};
use crate::webhooks::endpoints::{Endpoints, Error};

/// Gives a webhook endpoint a new secret. For a day deliveries have a signature of the present one too.
///
/// The answer is the only one that has the new secret.
#[utoipa::path(
    post, path = "/webhooks/{id}/secret/rotate", tag = "webhooks", operation_id = "rotate_webhook_secret",
    params(("id" = Uuid, Path, description = "The id that the list answered")),
    responses((status = 201, description = "The endpoint with its new secret", body = WebhookView)),
    security(("api_key" = ["webhooks:write"])),
)]
pub async fn rotate_webhook_secret(
    CanInProject { project, .. }: CanInProject<WebhooksWrite>,
    State(endpoints): State<Endpoints>,
    path: Result<Path<String>, PathRejection>,
) -> Result<(StatusCode, Json<WebhookView>), Error> {
    let (endpoint, secret) = endpoints.rotate(&project, path::id(path)?).await?;
    let view = WebhookView::new(project.project_id(), endpoint, &endpoints);
    Ok((StatusCode::CREATED, Json(view.with_secret(&secret))))
}
