//! `GET /webhooks/{id}`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};

use super::path;
use super::view::WebhookView;
use crate::auth::{CanInProject, WebhooksRead};
use crate::webhooks::endpoints::{self, Endpoints, Error};

/// Reads a webhook endpoint.
#[utoipa::path(
    get, path = "/webhooks/{id}", tag = "webhooks", operation_id = "get_webhook",
    params(("id" = Uuid, Path, description = "The id that the list answered")),
    responses((status = 200, description = "The endpoint", body = WebhookView)),
    security(("api_key" = ["webhooks:read"])),
)]
pub async fn get_webhook(
    CanInProject { project, .. }: CanInProject<WebhooksRead>,
    State(endpoints): State<Endpoints>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<WebhookView>, Error> {
    let endpoint = endpoints::find(&project, path::id(path)?).await?.ok_or(Error::NotFound)?;
    Ok(Json(WebhookView::new(project.project_id(), endpoint, &endpoints)))
}
