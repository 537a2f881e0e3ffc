//! `GET /webhooks/events/stream`

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};

use super::query::StreamQuery;
use super::reader::{Client, Reader};
use super::streams::Streams;
use crate::auth::{self, CanInProject, WebhooksRead};
use crate::events;
use crate::http::problem::{Error as HttpError, ProblemType, types};
use crate::http::request::Query;
use crate::webhooks::feed::Error;
use crate::webhooks::problems;

/// What this call can be answered besides 200 and what every call with credentials can be answered.
pub const PROBLEMS: &[&ProblemType] =
    &[&auth::problems::MISSING_SCOPE, &types::INVALID_QUERY, &problems::EVENTS_EXPIRED];

/// Proxies such as nginx pass on what this header is on as it comes.
const NO_BUFFERING: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// Streams the events of the project, or with a connection token those of the connection, as server-sent events.
///
/// The response goes on until the client closes it, the server stops or the credentials are no longer valid. A client
/// that connects again with `Last-Event-ID` misses nothing, also on another server. Every 15 seconds without an event the
/// stream has a line `id:`, which moves `Last-Event-ID` on past events that were not wanted.
#[utoipa::path(
    get, path = "/webhooks/events/stream", tag = "events", operation_id = "stream_events",
    params(
        StreamQuery,
        ("last-event-id" = Option<uuid::Uuid>, Header, description = "The id of the last event that the client has."),
    ),
    responses((
        status = 200, description = "Events, each with `id`, `event` (its name) and `data` (as in a delivery)",
        body = String, content_type = "text/event-stream",
    )),
    security(("api_key" = ["webhooks:read"]), ("api_key" = ["webhooks:read"], "connection_token" = [])),
)]
pub async fn stream_events(
    State(streams): State<Streams>,
    CanInProject { project, connection, revalidation, .. }: CanInProject<WebhooksRead>,
    headers: HeaderMap,
    Query(query): Query<StreamQuery>,
) -> Result<Response, Error> {
    let place = streams.take_place(&project).ok_or(HttpError::Overloaded)?;
    let filter = query.filter(connection.as_ref());
    // Before the position is known: what is added from now on is in the tail.
    let tail = streams.follow(&project).await?;
    let position = match query.cursor(&headers)? {
        Some(cursor) => cursor.resume(&project).await?,
        None => events::sequence(&project).await?.last,
    };
    let client = Client { scope: project, filter, revalidation, place };
    let reader = Reader::new(client, streams, tail, position);
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), NO_BUFFERING];
    Ok((headers, Body::from_stream(reader.into_stream())).into_response())
}
