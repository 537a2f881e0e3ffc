//! `POST /sync/resync`

use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::problems;
use crate::auth::{CanInProject, ConnectionsWrite, Scope};
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
    /// The accounting software; null when the connections have several.
    #[schema(example = "tryton")]
    provider: Option<String>,
    /// Always null: what becomes of it is in `GET /sync/status`.
    #[schema(value_type = Option<String>)]
    status: Option<&'static str>,
}

impl Resync {
    /// What was asked for at the latest; `None` when there is nothing to read.
    fn of(requested: &[Requested]) -> Option<Self> {
        let last = requested.iter().max_by_key(|requested| requested.at)?;
        let is_same = requested.iter().all(|other| other.provider == last.provider);
        let provider = is_same.then(|| last.provider.clone());
        Some(Self { timestamp: last.at, vertical: "accounting", provider, status: None })
    }
}

/// Why it was not asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing to read.
    #[error("no connection has accounting software")]
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

/// Asks for the accounting software of all connections of the project to be read now and not at the next interval; with
/// a connection token, for that of this connection.
///
/// Repeated within a minute it is the same request: the answer has the time of the first.
#[utoipa::path(
    post, path = "/sync/resync", tag = "sync", operation_id = "resync",
    responses((status = 201, description = "It will be read", body = Resync)),
    security(("api_key" = ["connections:write"]), ("api_key" = ["connections:write"], "connection_token" = [])),
)]
pub async fn resync(
    CanInProject { project, connection, .. }: CanInProject<ConnectionsWrite>,
) -> Result<(StatusCode, Json<Resync>), Error> {
    let requested = pull::request(&project, connection.as_ref().map(Scope::connection_id), PAUSE).await?;
    Ok((StatusCode::CREATED, Json(Resync::of(&requested).ok_or(Error::NoSoftware)?)))
}
