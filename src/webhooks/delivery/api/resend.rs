//! `POST /webhooks/events/{id}/resend`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::error::Error;
use crate::auth::{self, CanInProject, WebhooksWrite};
use crate::domain::{EventId, WebhookEndpointId};
use crate::http::problem::ProblemType;
use crate::http::request::path_id;
use crate::webhooks::delivery::{self, Deliveries};
use crate::webhooks::problems;

/// What this call can be answered besides 202 and what every call with a key can be answered.
pub const PROBLEMS: &[&ProblemType] = &[&auth::problems::MISSING_SCOPE, &problems::EVENT_NOT_FOUND];

/// Where an event is sent again.
#[derive(Debug, Serialize, ToSchema)]
pub struct Resent {
    /// The event.
    #[schema(value_type = Uuid)]
    id_event: EventId,
    /// The active endpoints that want such events.
    #[schema(value_type = Vec<Uuid>)]
    webhook_endpoints: Vec<WebhookEndpointId>,
}

/// Sends one event again, to each active webhook endpoint that wants such events.
#[utoipa::path(
    post, path = "/webhooks/events/{id}/resend", tag = "webhooks", operation_id = "resend_event",
    params(("id" = Uuid, Path, description = "The id of the event")),
    responses((status = 202, description = "It will be sent", body = Resent)),
    security(("api_key" = ["webhooks:write"])),
)]
pub async fn resend_event(
    CanInProject { project, .. }: CanInProject<WebhooksWrite>,
    State(deliveries): State<Deliveries>,
    path: Result<Path<String>, PathRejection>,
) -> Result<(StatusCode, Json<Resent>), Error> {
    let id = path_id::<Uuid>(path).ok_or(delivery::Error::NoSuchEvent).map(EventId)?;
    let webhook_endpoints = deliveries.resend(&project, id).await?;
    Ok((StatusCode::ACCEPTED, Json(Resent { id_event: id, webhook_endpoints })))
}
