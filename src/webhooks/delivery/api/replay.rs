//! `POST /webhooks/{id}/replay`
#![expect(clippy::redundant_closure_for_method_calls, reason = "a method's own lifetimes are not general enough")]

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::Error;
use crate::auth::{self, CanInProject, WebhooksWrite};
use crate::domain::{EventPattern, WebhookReplayId};
use crate::http::problem::ProblemType;
use crate::http::request::fields::Fields;
use crate::http::request::json::FromJson;
use crate::http::request::{JsonBody, Limits, path_id};
use crate::webhooks::delivery::{self, Deliveries, ReplayRequest, Selection};
use crate::webhooks::problems;

/// What this call can be answered besides 202 and what every call with a key and a body can be answered.
pub const PROBLEMS: &[&ProblemType] =
    &[&auth::problems::MISSING_SCOPE, &problems::WEBHOOK_NOT_FOUND, &problems::TOO_MANY_REPLAYS];

/// The most names of events.
const MAX_TYPES: usize = 100;

/// Which events are sent again.
#[derive(Debug, ToSchema)]
pub struct ReplayBody {
    /// Events after this time; all that are kept when it is absent.
    #[schema(example = "2026-11-26T08:00:00Z")]
    since: Option<DateTime<Utc>>,
    /// Events before this time; all up to now when it is absent.
    #[schema(example = "2026-11-26T09:00:00Z")]
    until: Option<DateTime<Utc>>,
    /// Names of events, or beginnings of names that end in `*`; all that the endpoint wants when it is absent.
    #[schema(value_type = Option<Vec<String>>, max_items = 100)]
    types: Option<Vec<EventPattern>>,
    /// `failed` (sent, but not delivered), `missing` (never sent) or `all`; `failed` when it is absent.
    #[schema(value_type = Option<String>, pattern = "^(failed|missing|all)$")]
    only: Option<Selection>,
}

impl FromJson for ReplayBody {
    fn read(fields: &mut Fields<'_, '_, '_>, _: &Limits) -> Self {
        Self {
            since: fields.instant("since"),
            until: fields.instant("until"),
            types: fields.list("types", MAX_TYPES, |name| name.text()),
            only: fields.text("only"),
        }
    }

    fn response_bytes(&self, _: usize) -> usize {
        1_024
    }
}

/// A replay that has begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct Replay {
    /// Its id.
    #[schema(value_type = uuid::Uuid)]
    id: WebhookReplayId,
}

/// Sends earlier events to a webhook endpoint again.
///
/// They are sent step by step, beside later ones and each under its own id. What is not delivered is retried as usual.
#[utoipa::path(
    post, path = "/webhooks/{id}/replay", tag = "webhooks", operation_id = "replay_webhook_events",
    params(("id" = uuid::Uuid, Path, description = "The id of the endpoint")),
    request_body = ReplayBody,
    responses((status = 202, description = "They will be sent", body = Replay)),
    security(("api_key" = ["webhooks:write"])),
)]
pub async fn replay_events(
    CanInProject { project, .. }: CanInProject<WebhooksWrite>,
    State(deliveries): State<Deliveries>,
    path: Result<Path<String>, PathRejection>,
    JsonBody { value, .. }: JsonBody<ReplayBody>,
) -> Result<(StatusCode, Json<Replay>), Error> {
    let endpoint = path_id(path).ok_or(delivery::Error::NoSuchEndpoint)?;
    let ReplayBody { since, until, types, only } = value;
    let selection = only.unwrap_or(Selection::Failed);
    let request = ReplayRequest { since, until, patterns: types.unwrap_or_default(), selection };
    let id = deliveries.replay(&project, endpoint, request).await?;
    Ok((StatusCode::ACCEPTED, Json(Replay { id })))
}
