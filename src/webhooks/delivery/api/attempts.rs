//! `GET /webhooks/{id}/attempts`

use std::time::Duration;

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::error::Error;
use crate::auth::{self, CanInProject, WebhooksRead};
use crate::domain::page::{Direction, Limit, Sort};
use crate::domain::{EventId, EventPosition, ProjectId, WebhookEndpointId, rfc3339};
use crate::http::problem::{Error as HttpError, FieldError, ProblemType, types};
use crate::http::request::cursor::{ListFingerprint, UnverifiedCursor, around};
use crate::http::request::query::{FromQuery, Parameters};
use crate::http::request::{Query, path_id};
use crate::http::response::page::Page;
use crate::webhooks::delivery::{self, Attempt, Outcome, StoredAttempt};
use crate::webhooks::problems;

/// What this call can be answered besides 200 and what every call with a key can be answered.
pub const PROBLEMS: &[&ProblemType] =
    &[&auth::problems::MISSING_SCOPE, &types::INVALID_QUERY, &problems::WEBHOOK_NOT_FOUND];

/// Which page of the list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AttemptsQuery {
    /// How many attempts a page has, from 1 to 200; 50 when absent.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 200, example = 50)]
    limit: Limit,
    /// `next_cursor` or `prev_cursor` of another page of the same list.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{44}$")]
    cursor: Option<UnverifiedCursor>,
}

impl FromQuery for AttemptsQuery {
    fn read(parameters: &mut Parameters) -> Self {
        Self { limit: parameters.take("limit").unwrap_or_default(), cursor: parameters.take("cursor") }
    }
}

/// One call of an endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptView {
    /// The id of the event: `webhook-id` in all of its attempts.
    #[schema(value_type = uuid::Uuid)]
    pub id_event: EventId,
    /// What the event is.
    #[schema(example = "accounting.payment.created")]
    pub r#type: String,
    /// Which attempt of the event it was, from 1. It is 1 again when the event is sent again by request.
    pub number: u16,
    /// When it began.
    #[serde(serialize_with = "rfc3339::instant")]
    pub timestamp: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub duration_ms: u32,
    /// The status of the answer; null where there was none.
    #[schema(example = 500)]
    status: Option<u16>,
    /// The first kilobyte of the answer's body.
    answer: Option<String>,
    /// Why there was no answer, for example `timeout`, `not_connected` or `address_not_allowed`.
    error: Option<String>,
}

impl AttemptView {
    /// A call that is stored.
    #[must_use]
    pub fn of(project: ProjectId, stored: StoredAttempt) -> Self {
        Self {
            id_event: EventId::new(project, EventPosition(stored.position)),
            r#type: stored.kind,
            number: u16::try_from(stored.number).unwrap_or_default(),
            timestamp: stored.started_at,
            duration_ms: u32::try_from(stored.duration_ms).unwrap_or_default(),
            status: stored.status.and_then(|status| u16::try_from(status).ok()),
            answer: stored.answer,
            error: stored.error,
        }
    }

    /// A call that has just ended.
    #[must_use]
    pub fn of_call(id_event: EventId, attempt: Attempt) -> Self {
        let (status, answer, error) = match attempt.outcome {
            Outcome::Answered { status, body, .. } => (Some(status.as_u16()), Some(body), None),
            Outcome::Failed(code) => (None, None, Some(code.to_owned())),
        };
        Self {
            id_event,
            r#type: attempt.kind.as_str().to_owned(),
            number: attempt.number,
            timestamp: attempt.started_at,
            duration_ms: millis(attempt.duration),
            status,
            answer,
            error,
        }
    }
}

impl AttemptView {
    /// What came of it: the status of the answer, or why there was none.
    #[must_use]
    pub fn outcome(&self) -> String {
        let status = self.status.map(|status| status.to_string());
        status.or_else(|| self.error.clone()).unwrap_or_default()
    }
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// Lists the calls of a webhook endpoint, the latest first. They are kept for 30 days.
#[utoipa::path(
    get, path = "/webhooks/{id}/attempts", tag = "webhooks", operation_id = "list_webhook_attempts",
    params(("id" = uuid::Uuid, Path, description = "The id of the endpoint"), AttemptsQuery),
    responses((status = 200, description = "A page", body = Page<AttemptView>)),
    security(("api_key" = ["webhooks:read"])),
)]
pub async fn list_attempts(
    CanInProject { project, .. }: CanInProject<WebhooksRead>,
    path: Result<Path<String>, PathRejection>,
    Query(AttemptsQuery { limit, cursor }): Query<AttemptsQuery>,
) -> Result<Response, Error> {
    let endpoint: WebhookEndpointId = path_id(path).ok_or(delivery::Error::NoSuchEndpoint)?;
    let fingerprint =
        ListFingerprint::of(&[project.project_id().0.as_bytes(), b"webhook attempts", endpoint.0.as_bytes()]);
    let cursor = cursor.map(|sent| sent.verify(fingerprint, Sort::Id)).transpose();
    let cursor = cursor.map_err(|refusal| HttpError::InvalidQuery(FieldError::in_query("cursor", refusal).into()))?;
    if !delivery::has_endpoint(&project, endpoint).await? {
        return Err(delivery::Error::NoSuchEndpoint.into());
    }
    let (attempts, onward) = delivery::attempts(&project, endpoint, cursor, limit).await?;
    let (prev_cursor, next_cursor) = around(cursor, onward, Direction::Backward, fingerprint);
    let page = Page {
        prev_cursor,
        next_cursor,
        data: attempts.into_iter().map(|stored| AttemptView::of(project.project_id(), stored)).collect(),
    };
    Ok(Json(page).into_response())
}
