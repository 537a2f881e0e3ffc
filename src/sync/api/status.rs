//! `GET /sync/status`

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::{CanInProject, ConnectionsRead, ProjectScope, Scope};
use crate::db;
use crate::domain::{ConnectionId, rfc3339};
use crate::http::problem::Error;
use crate::sync::pull::{self, Progress, Pulled};

/// How fresh is what was read from the accounting software.
#[derive(Debug, Serialize, ToSchema)]
pub struct SyncStatus {
    /// When it is read next, of several connections the first; null where there is no software, or before it was read
    /// for the first time.
    #[schema(example = "2026-11-26T08:15:00Z")]
    #[serde(serialize_with = "rfc3339::optional")]
    next_sync_at: Option<DateTime<Utc>>,
    /// Each resource of each connection, in the order in which they are read. Empty where there is no software.
    pub data: Vec<ResourceStatus>,
}

/// The most connections of which one answer has the resources. A token leads to each of the others.
const CONNECTIONS: u16 = 1_000;

impl SyncStatus {
    const NOTHING: Self = Self { next_sync_at: None, data: Vec::new() };

    /// How fresh is what was read for a connection.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(scope: &Scope) -> Result<Self, db::Error> {
        if !scope.has_software() {
            return Ok(Self::NOTHING);
        }
        let data = ResourceStatus::of_all(scope.connection_id(), pull::progress(scope).await?).collect();
        Ok(Self { next_sync_at: pull::next_pull(scope).await?, data })
    }

    /// The same for the newest connections of a project, or for the one whose token was sent.
    async fn of_caller(project: &ProjectScope, connection: Option<&Scope>) -> Result<Self, db::Error> {
        if let Some(connection) = connection {
            return Self::of(connection).await;
        }
        let connections = pull::connections(project, CONNECTIONS).await?;
        let mut known = pull::progress_of_many(project, connections.iter().map(|(id, _)| *id)).await?;
        let of = |(id, _): &_| ResourceStatus::of_all(*id, known.remove(id).unwrap_or_default());
        let data = connections.iter().flat_map(of).collect();
        Ok(Self { next_sync_at: connections.iter().filter_map(|(_, next)| *next).min(), data })
    }
}

/// How fresh a resource is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResourceStatus {
    /// The connection.
    #[schema(value_type = uuid::Uuid)]
    id_connection: ConnectionId,
    /// The resource, like `invoice`.
    #[schema(value_type = String, example = "invoice")]
    pub resource: Pulled,
    /// `pending` (never read), `syncing`, `done` or `failed`.
    #[schema(example = "done")]
    pub status: &'static str,
    /// Whether it was never read completely.
    initial: bool,
    /// When the last complete reading began: what the software had then is here.
    #[schema(example = "2026-11-26T08:00:00Z")]
    #[serde(serialize_with = "rfc3339::optional")]
    pub last_synced_at: Option<DateTime<Utc>>,
    /// Why the last reading failed; null when it did not.
    pub error: Option<SyncError>,
}

/// Why a reading failed.
#[derive(Debug, Serialize, ToSchema)]
pub struct SyncError {
    /// Stable, for programs.
    #[schema(example = "unavailable")]
    code: String,
    /// For people.
    #[schema(example = "the software cannot be reached: connection refused")]
    pub detail: String,
}

impl ResourceStatus {
    /// All resources of a connection, in the order in which they are read.
    fn of_all(connection: ConnectionId, mut known: Vec<Progress>) -> impl Iterator<Item = Self> {
        Pulled::all().map(move |pulled| {
            let at = known.iter().position(|progress| progress.pulled == pulled);
            Self::of(connection, pulled, at.map(|at| known.swap_remove(at)))
        })
    }

    fn of(id_connection: ConnectionId, resource: Pulled, progress: Option<Progress>) -> Self {
        let (started_at, last_synced_at, error) =
            progress.map_or((None, None, None), |known| (known.started_at, known.last_synced_at, known.error));
        let status = match (&error, started_at, last_synced_at) {
            (Some(_), ..) => "failed",
            (None, Some(_), _) => "syncing",
            (None, None, Some(_)) => "done",
            (None, None, None) => "pending",
        };
        let error = error.map(|(code, detail)| SyncError { code, detail });
        Self { id_connection, resource, status, initial: last_synced_at.is_none(), last_synced_at, error }
    }
}

/// Says how fresh is what was read from the accounting software of the project's connections: the newest 1,000 that are
/// not revoked. With a connection token, the answer is about this connection.
#[utoipa::path(
    get, path = "/sync/status", tag = "sync", operation_id = "sync_status",
    responses((status = 200, description = "Each resource", body = SyncStatus)),
    security(("api_key" = ["connections:read"]), ("api_key" = ["connections:read"], "connection_token" = [])),
)]
pub async fn sync_status(
    CanInProject { project, connection, .. }: CanInProject<ConnectionsRead>,
) -> Result<Json<SyncStatus>, Error> {
    Ok(Json(SyncStatus::of_caller(&project, connection.as_ref()).await?))
}

/// The same for the vertical `accounting`, as existing client libraries ask for it. Of others nothing is read.
#[utoipa::path(
    get, path = "/sync/status/{vertical}", tag = "sync", operation_id = "sync_status_of_vertical",
    params(("vertical" = String, Path, description = "`accounting`")),
    responses((status = 200, description = "Each resource", body = SyncStatus)),
    security(("api_key" = ["connections:read"]), ("api_key" = ["connections:read"], "connection_token" = [])),
)]
pub async fn sync_status_of_vertical(
    caller: CanInProject<ConnectionsRead>,
    vertical: Result<Path<String>, PathRejection>,
) -> Result<Json<SyncStatus>, Error> {
    match vertical {
        Ok(Path(vertical)) if vertical == "accounting" => sync_status(caller).await,
        _ => Ok(Json(SyncStatus::NOTHING)),
    }
}
