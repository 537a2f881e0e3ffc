//! `POST /webhooks/{id}/test`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};

use super::attempts::AttemptView;
use super::error::Error;
use crate::auth::{self, CanInProject, WebhooksWrite};
use crate::http::problem::ProblemType;
use crate::http::request::path_id;
use crate::webhooks::delivery::{self, Deliveries};
use crate::webhooks::problems;

/// What this call can be answered besides 200 and what every call with a key can be answered.
pub const PROBLEMS: &[&ProblemType] = &[&auth::problems::MISSING_SCOPE, &problems::WEBHOOK_NOT_FOUND];

/// Calls a webhook endpoint once with the event `webhook_endpoint.test`, and answers what came of it.
///
/// The call waits for the endpoint up to ten seconds. The event is in no feed, and is not sent again.
#[utoipa::path(
    post, path = "/webhooks/{id}/test", tag = "webhooks", operation_id = "test_webhook",
    params(("id" = uuid::Uuid, Path, description = "The id of the endpoint")),
    responses((status = 200, description = "What came of it, also when it failed", body = AttemptView)),
    security(("api_key" = ["webhooks:write"])),
)]
pub async fn test_webhook(
    CanInProject { project, .. }: CanInProject<WebhooksWrite>,
    State(deliveries): State<Deliveries>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<AttemptView>, Error> {
    let endpoint = path_id(path).ok_or(delivery::Error::NoSuchEndpoint)?;
    let (event, attempt) = deliveries.test(&project, endpoint).await?;
    Ok(Json(AttemptView::of_call(event, attempt)))
}
