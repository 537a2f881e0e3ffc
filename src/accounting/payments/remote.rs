//! `GET /accounting/payments/{id}/remote`
#![expect(clippy::missing_errors_doc, reason = "`PROBLEMS` lists them; the doc comment is the API's own")]

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::error::Error;
use super::problems;
use super::store::{self, RemoteAttempt};
use crate::auth::{self, Can, PaymentsRead};
use crate::connectors::Fault;
use crate::domain::{RemoteStatus, rfc3339};
use crate::http::problem::{ProblemType, types};
use crate::http::request::query::NoParameters;
use crate::http::request::{Query, path_id};

/// What this call can be answered besides 200 and what every call with credentials can be answered.
pub const PROBLEMS: &[&ProblemType] =
    &[&auth::problems::MISSING_SCOPE, &problems::PAYMENT_NOT_FOUND, &types::INVALID_QUERY];

/// What was tried to write a payment into the connected software.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentRemote)]
pub struct RemoteView {
    /// The payment.
    #[schema(example = "801f9ede-c698-4e66-a7fc-48d19eebaa4f")]
    payment_id: Uuid,
    /// What became of it so far.
    remote_status: RemoteStatus,
    /// The name that this server gives the payment in the software; null until it is prepared.
    #[schema(example = "uvnr3alhspruqsxpqa2dy")]
    key: Option<String>,
    /// When the next attempt may begin; null when there is none.
    #[serde(serialize_with = "rfc3339::optional")]
    #[schema(example = "2024-06-15T12:00:00Z")]
    next_attempt_at: Option<DateTime<Utc>>,
    /// Why it was rejected or needs attention, or why the last attempt failed.
    errors: Vec<RemoteError>,
    /// What was tried, in its order: the last hundred.
    attempts: Vec<AttemptView>,
}

/// A reason for which the software did not take the payment.
#[derive(Debug, Serialize, ToSchema)]
pub struct RemoteError {
    /// JSON pointer (RFC 6901) into the body of the create call; empty for the payment as a whole.
    #[schema(example = "/account_id")]
    pointer: String,
    /// Stable code, listed in `docs/api/errors.md`.
    #[schema(example = "refused_by_software")]
    code: String,
    /// The reason in words, often the software's own.
    #[schema(example = "The period is closed.")]
    detail: String,
}

/// Something that was tried.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentRemoteAttempt)]
pub struct AttemptView {
    /// From 1.
    number: i32,
    /// `send` or `look_up`; `retry`, `settle` or `cancel` when the operator did it.
    #[schema(example = "send")]
    action: String,
    /// When it began.
    #[serde(serialize_with = "rfc3339::instant")]
    started_at: DateTime<Utc>,
    /// When it ended; null while it is under way, and when it was cut off.
    #[serde(serialize_with = "rfc3339::optional")]
    ended_at: Option<DateTime<Utc>>,
    /// The state after it.
    #[schema(example = "applied")]
    outcome: Option<String>,
    /// The software's own code.
    code: Option<String>,
    /// The software's own text, at most 1,000 characters.
    detail: Option<String>,
}

impl From<RemoteAttempt> for AttemptView {
    fn from(attempt: RemoteAttempt) -> Self {
        let RemoteAttempt { number, action, started_at, ended_at, outcome, code, detail } = attempt;
        Self { number, action, started_at, ended_at, outcome, code, detail }
    }
}

impl From<Fault> for RemoteError {
    fn from(Fault { pointer, code, detail }: Fault) -> Self {
        Self { pointer, code, detail }
    }
}

/// Reads what was tried to write a payment into the connected software, with the software's own words.
///
/// Without connected software nothing is tried: `remote_status` is `none`.
#[utoipa::path(
    get, path = "/accounting/payments/{id}/remote", tag = "payments", operation_id = "retrieve_payment_remote",
    params(("id" = uuid::Uuid, Path, description = "The id that the create call answered")),
    responses((status = 200, description = "What was tried", body = RemoteView)),
    security(("api_key" = ["payments:read"], "connection_token" = [])),
)]
pub async fn retrieve_payment_remote(
    Can { scope, .. }: Can<PaymentsRead>,
    path: Result<Path<String>, PathRejection>,
    Query(NoParameters): Query<NoParameters>,
) -> Result<Response, Error> {
    let id = path_id(path).ok_or(Error::NotFound)?;
    let remote_status = store::remote_status(&scope, id).await?.ok_or(Error::NotFound)?;
    let write = store::remote_write(&scope, id).await?;
    let attempts = store::remote_attempts(&scope, id).await?;
    let (key, next_attempt_at, errors) =
        write.map_or((None, None, Vec::new()), |write| (write.key, write.due_at, write.errors));
    let view = RemoteView {
        payment_id: id.0,
        remote_status,
        key,
        next_attempt_at,
        errors: errors.into_iter().map(RemoteError::from).collect(),
        attempts: attempts.into_iter().map(AttemptView::from).collect(),
    };
    Ok(Json(view).into_response())
}
