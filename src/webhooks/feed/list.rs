//! `GET /webhooks/events`

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::body::bodies;
use super::cursor::FeedCursor;
use super::error::Error;
use super::query::FeedQuery;
use crate::auth::{self, CanInProject, ProjectScope, WebhooksRead};
use crate::domain::EventPosition;
use crate::events::{self, Filter, Page};
use crate::http::problem::{ProblemType, types};
use crate::http::request::Query;
use crate::webhooks::problems;

/// What this call can be answered besides 200 and what every call with credentials can be answered.
pub const PROBLEMS: &[&ProblemType] =
    &[&auth::problems::MISSING_SCOPE, &types::INVALID_QUERY, &problems::EVENTS_EXPIRED];

/// A page of the feed. The feed goes on for ever, so there is always a next cursor.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    /// Always null: the feed is read in one direction.
    prev_cursor: Option<String>,
    /// The cursor of the next page, also where there are no more events yet.
    #[schema(example = "00000000-0000-8001-9f9e-de12c6984e66")]
    next_cursor: String,
    /// Whether there are more events now.
    has_more: bool,
    /// The events, oldest first. A page may have fewer than `limit`, even none, although there are more.
    #[schema(value_type = Vec<Object>)]
    data: Vec<Box<RawValue>>,
}

/// Reads the events of the project, or with a connection token those of the connection, oldest first.
///
/// A reader that follows `next_cursor` misses nothing and sees nothing twice. In a connection, a change that began after
/// another one was committed comes after it.
#[utoipa::path(
    get, path = "/webhooks/events", tag = "events", operation_id = "list_events",
    params(FeedQuery),
    responses((status = 200, description = "A page", body = EventPage)),
    security(("api_key" = ["webhooks:read"]), ("api_key" = ["webhooks:read"], "connection_token" = [])),
)]
pub async fn list_events(
    CanInProject { project, connection, .. }: CanInProject<WebhooksRead>,
    Query(query): Query<FeedQuery>,
) -> Result<Response, Error> {
    let filter = query.filter(connection.as_ref());
    let after = start(&project, &query).await?;
    let page = read(&project, &filter, after, u16::from(query.limit.get())).await?;
    let data = bodies(&project, &page.events).await?;
    let text = |body: axum::body::Bytes| serde_json::from_slice(&body).map_err(|error| Error::Json(error.to_string()));
    Ok(Json(EventPage {
        prev_cursor: None,
        next_cursor: FeedCursor::at(&project, page.last),
        has_more: !page.is_end,
        data: data.into_iter().map(text).collect::<Result<_, _>>()?,
    })
    .into_response())
}

/// The position after which a reader begins.
async fn start(project: &ProjectScope, query: &FeedQuery) -> Result<EventPosition, Error> {
    match (query.cursor, query.filter(None).created_after) {
        (Some(cursor), _) => cursor.resume(project).await,
        (None, Some(moment)) => Ok(events::first_since(project, moment).await?),
        (None, None) => Ok(EventPosition::default()),
    }
}

/// Reads a page. Committed changes get their positions first: by this server, or by another one that is waited for. In the
/// other order, changes that another server numbers between the two steps would be missed.
async fn read(project: &ProjectScope, filter: &Filter, after: EventPosition, limit: u16) -> Result<Page, Error> {
    let sequenced = events::sequence(project).await?;
    let mut page = events::read(project, filter, after, limit).await?;
    page.is_end &= !sequenced.has_more;
    Ok(page)
}
