//! Where a reader of a feed goes on.

use std::str::FromStr;

use uuid::Uuid;

use super::error::Error;
use crate::auth::ProjectScope;
use crate::domain::{EventId, EventPosition, ParseError};
use crate::events;
use crate::http::problem::{Error as HttpError, FieldError};

/// The cursor of a feed: the id of the last event that was looked at.
#[derive(Debug, Clone, Copy)]
pub struct FeedCursor(EventId);

impl FeedCursor {
    /// The cursor of a position.
    #[must_use]
    pub fn at(scope: &ProjectScope, position: EventPosition) -> String {
        EventId::new(scope.project_id(), position).to_string()
    }

    /// The position, if the cursor is of this project.
    fn position(self, scope: &ProjectScope) -> Result<EventPosition, HttpError> {
        self.0.position_in(scope.project_id()).ok_or_else(|| {
            let error = ParseError::new("invalid_cursor", "belongs to another project; start without a cursor");
            HttpError::InvalidQuery(FieldError::in_query("cursor", error).into())
        })
    }

    /// The position after which its reader goes on.
    ///
    /// # Errors
    /// `invalid_cursor`, [`Error::Expired`], or when the database fails.
    pub async fn resume(self, scope: &ProjectScope) -> Result<EventPosition, Error> {
        let after = self.position(scope)?;
        if events::is_expired(scope, after).await? { Err(Error::Expired) } else { Ok(after) }
    }
}

impl FromStr for FeedCursor {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let detail = "not a cursor of this feed; send `next_cursor` or the id of an event unchanged";
        Uuid::try_parse(text).map(|id| Self(EventId(id))).map_err(|_| ParseError::new("invalid_cursor", detail))
    }
}
