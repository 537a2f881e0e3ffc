//! `DELETE /webhooks/{id}`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::path;
use super::view::WebhookView;
use crate::auth::{CanInProject, WebhooksWrite};
use crate::webhooks::endpoints::{Endpoints, Error};

/// Removes a webhook endpoint. It gets no more events.
#[utoipa::path(
    delete, path = "/webhooks/{id}", tag = "webhooks", operation_id = "delete_webhook",
    params(("id" = Uuid, Path, description = "The id that the list answered")),
    responses((status = 201, description = "As it was", body = WebhookView)),
    security(("api_key" = ["webhooks:write"])),
)]
pub async fn delete_webhook(
    CanInProject { project, .. }: CanInProject<WebhooksWrite>,
    State(endpoints): State<Endpoints>,
    path: Result<Path<String>, PathRejection>,
) -> Result<(StatusCode, Json<WebhookView>), Error> {
    let endpoint = endpoints.delete(&project, path::id(path)?).await?;
    Ok((StatusCode::CREATED, Json(WebhookView::new(project.project_id(), endpoint, &endpoints))))
}
