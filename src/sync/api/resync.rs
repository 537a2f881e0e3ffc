//! `POST /sync/resync`

use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::problems;
use crate::auth::{Can, ConnectionsWrite};
use crate::db;
use crate::domain::rfc3339;
use crate::http::problem::{Error as HttpError, Failure, Problem};
use crate::sync::pull::{self, Requested};

/// The shortest time between two pulls out of turn.
const PAUSE: Duration = Duration::from_mins(1);

/// What was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct Resync {
    /// When the reading that is to come was asked for.
    #[schema(example = "2026-11-26T08:00:00Z")]
    #[serde(serialize_with = "rfc3339::instant")]
    timestamp: DateTime<Utc>,
    /// `accounting`
    #[schema(example = "accounting")]
    vertical: &'static str,
    /// The accounting software.
    #[schema(example = "tryton")]
    provider: String,
    /// Always null: what becomes of it is in `GET /sync/status`.
    #[schema(value_type = Option<String>)]
    status: Option<&'static str>,
}

/// Why it was not asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing to read.
    #[error("the connection has no accounting software")]
    NoSoftware,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Database(error) => HttpError::Database(error).into_response(),
            Self::NoSoftware => {
                let detail = "This server is the connection's own book of record; there is nothing to read.";
                Failure::respond(Problem::new(&problems::NO_SOFTWARE, detail), self)
            }
        }
    }
}

/// Asks for the accounting software of the connection to be read now and not at the next interval.
///
/// Repeated within a minute it is the same request: the answer has the time of the first.
#[utoipa::path(
    post, path = "/sync/resync", tag = "sync", operation_id = "resync",
    responses((status = 201, description = "It will be read", body = Resync)),
    security(("api_key" = ["connections:write"], "connection_token" = [])),
)]
pub async fn resync(Can { scope, .. }: Can<ConnectionsWrite>) -> Result<(StatusCode, Json<Resync>), Error> {
    if !scope.has_software() {
        return Err(Error::NoSoftware);
    }
    let Requested { at, provider } = pull::request(&scope, PAUSE).await?;
    Ok((StatusCode::CREATED, Json(Resync { timestamp: at, vertical: "accounting", provider, status: None })))
}
