//! `GET /events`, as existing client libraries decode it (resources contract, section 4.6).

use std::str::FromStr;

use axum::Json;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::error::Error;
use crate::auth::{self, CanInProject, Scope, WebhooksRead};
use crate::domain::page::Limit;
use crate::domain::{ConnectionId, EventId, EventType, ParseError, ProjectId, rfc3339, whole_number};
use crate::events::{self, CreatedConnection};
use crate::http::problem::{ProblemType, types};
use crate::http::request::Query;
use crate::http::request::query::{FromQuery, Parameters};

/// What this call can be answered besides 200 and what every call with credentials can be answered.
pub const PROBLEMS: &[&ProblemType] = &[&auth::problems::MISSING_SCOPE, &types::INVALID_QUERY];

/// The number of a page, from 1 on.
#[derive(Debug, Clone, Copy)]
pub struct PageNumber(u32);

impl PageNumber {
    /// Far beyond the connections of any project.
    const MAX: u32 = 1_000_000;
}

impl Default for PageNumber {
    fn default() -> Self {
        Self(1)
    }
}

impl FromStr for PageNumber {
    type Err = ParseError;

    /// `1` and `1.0`: the Python library sends the latter on every call.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let number = whole_number::parse(text).ok().and_then(|number| u32::try_from(number).ok());
        match number {
            Some(number) if (1..=Self::MAX).contains(&number) => Ok(Self(number)),
            _ => Err(ParseError::new("out_of_range", format!("write a whole number from 1 to {}", Self::MAX))),
        }
    }
}

/// The query of the call.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CreatedConnectionsQuery {
    /// Which page, from 1 on.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1_000_000, example = 1)]
    page: PageNumber,
    /// How many events a page has, from 1 to 200; 50 when absent.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 200, example = 50)]
    limit: Limit,
}

impl FromQuery for CreatedConnectionsQuery {
    fn read(parameters: &mut Parameters) -> Self {
        Self { page: parameters.take("page").unwrap_or_default(), limit: parameters.take("limit").unwrap_or_default() }
    }
}

/// An event for existing client libraries. They refuse a null, and every name of an event that is new here.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedConnectionEvent {
    /// The event, as in `GET /webhooks/events`.
    #[schema(value_type = uuid::Uuid)]
    id_event: EventId,
    /// The connection.
    #[schema(value_type = uuid::Uuid)]
    id_connection: ConnectionId,
    /// The project.
    #[schema(value_type = uuid::Uuid)]
    id_project: ProjectId,
    /// Empty: connections belong to no linked user yet.
    id_linked_user: &'static str,
    /// Always `connection.created`.
    #[schema(value_type = String, example = "connection.created")]
    r#type: EventType,
    /// The accounting software of the connection; `none` where this server is the book of record.
    #[schema(example = "tryton")]
    provider: String,
    /// When the connection was made.
    #[schema(example = "2026-11-26T08:00:00Z")]
    #[serde(serialize_with = "rfc3339::instant")]
    timestamp: DateTime<Utc>,
    /// Always `success`.
    #[schema(example = "success")]
    status: &'static str,
    /// Always `POST`.
    #[schema(example = "POST")]
    method: &'static str,
    /// Always empty.
    direction: &'static str,
    /// Always empty.
    url: &'static str,
}

impl CreatedConnectionEvent {
    fn new(project: ProjectId, created: CreatedConnection) -> Self {
        Self {
            id_event: EventId::new(project, created.position),
            id_connection: created.connection_id,
            id_project: project,
            id_linked_user: "",
            r#type: EventType::ConnectionCreated,
            provider: created.provider,
            timestamp: created.created_at,
            status: "success",
            method: "POST",
            direction: "",
            url: "",
        }
    }
}

/// Reads when the connections of the project were made, newest first: `connection.created` is the one event of this
/// server that existing client libraries can decode.
///
/// `GET /webhooks/events` has all events.
#[utoipa::path(
    get, path = "/events", tag = "events", operation_id = "list_created_connections",
    params(CreatedConnectionsQuery),
    responses((status = 200, description = "The events of a page", body = Vec<CreatedConnectionEvent>)),
    security(("api_key" = ["webhooks:read"]), ("api_key" = ["webhooks:read"], "connection_token" = [])),
)]
pub async fn list_created_connections(
    CanInProject { project, connection, .. }: CanInProject<WebhooksRead>,
    Query(CreatedConnectionsQuery { page, limit }): Query<CreatedConnectionsQuery>,
) -> Result<Json<Vec<CreatedConnectionEvent>>, Error> {
    // The newest come first, so all that is committed needs its position. After a long time without a reader that may
    // take longer than a request may. Each step is kept, so the client that repeats the call goes on from there.
    while events::sequence(&project).await?.has_more {}
    let connection = connection.as_ref().map(Scope::connection_id);
    let skip = i64::from(page.0 - 1) * i64::from(limit.get());
    let created = events::created_connections(&project, connection, skip, limit.get()).await?;
    let id = project.project_id();
    Ok(Json(created.into_iter().map(|created| CreatedConnectionEvent::new(id, created)).collect()))
}
