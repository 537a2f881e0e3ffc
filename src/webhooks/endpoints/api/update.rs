//! `PUT /webhooks/{id}`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::body::WebhookChanges;
use super::path;
use super::view::WebhookView;
use crate::auth::{CanInProject, WebhooksWrite};
use crate::domain::Warning;
use crate::http::request::JsonBody;
use crate::webhooks::endpoints::{self, EndpointChanges, Endpoints, Error};

/// Changes a webhook endpoint.
///
/// Existing client libraries send no body with this call. That changes nothing, and a warning in the answer says so.
#[utoipa::path(
    put, path = "/webhooks/{id}", tag = "webhooks", operation_id = "update_webhook",
    params(("id" = Uuid, Path, description = "The id that the list answered")),
    request_body = Option<WebhookChanges>,
    responses((status = 201, description = "As it is now", body = WebhookView)),
    security(("api_key" = ["webhooks:write"])),
)]
pub async fn update_webhook(
    CanInProject { project, .. }: CanInProject<WebhooksWrite>,
    State(endpoints): State<Endpoints>,
    path: Result<Path<String>, PathRejection>,
    body: Option<JsonBody<EndpointChanges>>,
) -> Result<(StatusCode, Json<WebhookView>), Error> {
    let id = path::id(path)?;
    let (endpoint, warnings) = if let Some(JsonBody { value, warnings, .. }) = body {
        (endpoints.update(&project, id, value).await?, warnings)
    } else {
        let endpoint = endpoints::find(&project, id).await?.ok_or(Error::NotFound)?;
        (endpoint, vec![nothing_changed()])
    };
    let view = WebhookView::new(project.project_id(), endpoint, &endpoints);
    Ok((StatusCode::CREATED, Json(view.with_warnings(warnings))))
}

fn nothing_changed() -> Warning {
    Warning {
        code: "nothing_changed".to_owned(),
        pointer: String::new(),
        detail: r#"there is no body, so nothing was changed; send `{"active": false}` to pause the endpoint"#
            .to_owned(),
    }
}
