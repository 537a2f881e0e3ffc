//! `GET /webhooks`

use axum::Json;
use axum::extract::State;

use super::view::WebhookView;
use crate::auth::{CanInProject, WebhooksRead};
use crate::webhooks::endpoints::{self, Endpoints, Error};

/// Lists the webhook endpoints of the project, oldest first. There are at most 100.
#[utoipa::path(
    get, path = "/webhooks", tag = "webhooks", operation_id = "list_webhooks",
    responses((status = 200, description = "All of them", body = Vec<WebhookView>)),
    security(("api_key" = ["webhooks:read"])),
)]
pub async fn list_webhooks(
    CanInProject { project, .. }: CanInProject<WebhooksRead>,
    State(endpoints): State<Endpoints>,
) -> Result<Json<Vec<WebhookView>>, Error> {
    let listed = endpoints::list(&project).await?;
    let view = |endpoint| WebhookView::new(project.project_id(), endpoint, &endpoints);
    Ok(Json(listed.into_iter().map(view).collect()))
}
