//! Which events a stream has, and after which one it begins.

use axum::http::HeaderMap;
use utoipa::IntoParams;

use crate::auth::Scope;
use crate::events::Filter;
use crate::http::problem::{Error as HttpError, FieldError};
use crate::http::request::query::{FromQuery, Parameters};
use crate::webhooks::feed::{EventPatterns, FeedCursor};

/// The header in which a client that connects again names the last event that it has (WHATWG HTML, section 9.2.4).
const LAST_EVENT_ID: &str = "last-event-id";

/// The query of a stream.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// The id of an event, or a cursor of the feed: the stream begins after it. Without it, and without the header
    /// `Last-Event-ID`, the stream has the events from now on. The header goes first.
    #[param(value_type = Option<uuid::Uuid>)]
    cursor: Option<FeedCursor>,
    /// Names of events, or beginnings of names that end in `*`, separated by commas.
    #[param(value_type = Option<String>, example = "accounting.payment.*,connection.created")]
    r#type: Option<EventPatterns>,
}

impl FromQuery for StreamQuery {
    fn read(parameters: &mut Parameters) -> Self {
        Self { cursor: parameters.take("cursor"), r#type: parameters.take("type") }
    }
}

impl StreamQuery {
    /// The events that are wanted: those of one connection where the caller sent its token.
    pub fn filter(&self, connection: Option<&Scope>) -> Filter {
        Filter {
            connection_id: connection.map(Scope::connection_id),
            patterns: self.r#type.as_ref().map(|patterns| patterns.0.clone()).unwrap_or_default(),
            created_after: None,
        }
    }

    /// The event after which the stream begins; `None` for its end.
    ///
    /// # Errors
    /// `invalid_cursor` when the header is not an id of an event.
    pub fn cursor(&self, headers: &HeaderMap) -> Result<Option<FeedCursor>, HttpError> {
        // A client that has no event yet may send an empty header.
        let Some(id) = headers.get(LAST_EVENT_ID).filter(|id| !id.is_empty()) else { return Ok(self.cursor) };
        let cursor = id.to_str().unwrap_or_default().parse();
        cursor.map(Some).map_err(|error| HttpError::InvalidQuery(FieldError::in_query(LAST_EVENT_ID, error).into()))
    }
}
