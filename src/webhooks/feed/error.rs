//! What can go wrong with the feed beyond what the shell knows.

use axum::response::{IntoResponse, Response};

use crate::accounting::references;
use crate::db;
use crate::http::problem::{Error as HttpError, Failure, Problem, types};
use crate::webhooks::problems;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Events after the cursor are older than events are kept.
    #[error("events after the cursor were removed")]
    Expired,
    /// A fault of the shell, or of the database.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// What was stored cannot be written as JSON.
    #[error("JSON that this server wrote cannot be used: {0}")]
    Json(String),
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        Self::Http(HttpError::Database(error))
    }
}

impl From<references::Error> for Error {
    fn from(error: references::Error) -> Self {
        match error {
            references::Error::Http(error) => Self::Http(error),
            other => Self::Json(other.to_string()),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = match self {
            Self::Http(error) => return error.into_response(),
            Self::Expired => Problem::new(
                &problems::EVENTS_EXPIRED,
                "Read the objects themselves, for example with `modified_after`; then follow the feed from its beginning.",
            ),
            Self::Json(_) => Problem::new(&types::INTERNAL, "The failure was logged under `request_id`."),
        };
        Failure::respond(problem, self)
    }
}
