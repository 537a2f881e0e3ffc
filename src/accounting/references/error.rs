//! What can go wrong with references beyond what the shell knows.

use axum::response::{IntoResponse, Response};

use super::problems;
use crate::db;
use crate::http::problem::{Error as HttpError, Failure, Problem, types};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Unknown, another connection's, another resource's, or not an id: the answer is the same.
    #[error("there is no such object")]
    NotFound,
    /// A fault of the shell, or of the database.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Stored members are not those of the resource, or filters cannot be written down.
    #[error("JSON that this server wrote cannot be used: {0}")]
    Json(#[from] serde_json::Error),
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        Self::Http(HttpError::Database(error))
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = match self {
            Self::Http(error) => return error.into_response(),
            Self::NotFound => Problem::new(
                &problems::REFERENCE_NOT_FOUND,
                "This connection has no object of this resource with this id.",
            ),
            Self::Json(_) => Problem::new(&types::INTERNAL, "The failure was logged under `request_id`."),
        };
        Failure::respond(problem, self)
    }
}
