//! What can go wrong with these calls beyond what the shell knows.

use axum::response::{IntoResponse, Response};

use crate::http::problem::{Error as HttpError, Failure, Problem, types};
use crate::webhooks::delivery;
use crate::webhooks::problems;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A fault of the deliveries.
    #[error(transparent)]
    Delivery(#[from] delivery::Error),
    /// A fault of the shell, or of the database.
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl From<crate::db::Error> for Error {
    fn from(error: crate::db::Error) -> Self {
        Self::Http(HttpError::Database(error))
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        use delivery::Error as E;
        let problem = match self {
            Self::Http(error) => return error.into_response(),
            Self::Delivery(E::Database(error)) => return HttpError::Database(error).into_response(),
            Self::Delivery(E::Body(error)) => return error.into_response(),
            Self::Delivery(E::NoSuchEndpoint) => {
                Problem::new(&problems::WEBHOOK_NOT_FOUND, "This project has no webhook endpoint with this id.")
            }
            Self::Delivery(E::NoSuchEvent) => Problem::new(
                &problems::EVENT_NOT_FOUND,
                "This project has no event with this id, or it is older than events are kept.",
            ),
            Self::Delivery(E::TooManyReplays) => Problem::new(
                &problems::TOO_MANY_REPLAYS,
                "Ten replays of this endpoint are under way. Send this one when one of them has ended.",
            ),
            Self::Delivery(E::NoKeys | E::Secrets(_) | E::LeaseLost) => {
                Problem::new(&types::INTERNAL, "The failure was logged under `request_id`.")
            }
        };
        Failure::respond(problem, self)
    }
}
