//! The problem that each error becomes.

use axum::response::{IntoResponse, Response};

use crate::domain::ParseError;
use crate::http::problem::{Error as HttpError, Failure, FieldError, Problem, types};
use crate::outgoing::Kind;
use crate::webhooks::endpoints::Error;
use crate::webhooks::problems;

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = match &self {
            Self::Database(error) => return HttpError::Database(error.clone()).into_response(),
            Self::UnknownConnection(_) => {
                let detail = "the project of this API key has no such connection";
                return refused("/id_connection", ParseError::new("unknown_connection", detail));
            }
            Self::Address(error) => return refused("/url", unreachable_address(error.kind)),
            Self::NotFound | Self::NoSuchProject(_) => Problem::new(
                &problems::WEBHOOK_NOT_FOUND,
                "The project of this API key has no webhook endpoint with this id.",
            ),
            Self::TooMany(max) => Problem::new(
                &problems::TOO_MANY_WEBHOOKS,
                format!("A project has at most {max} webhook endpoints. Delete one first."),
            ),
            Self::NoKeys => Problem::new(
                &problems::NO_SEALING_KEYS,
                "This server has no key to store secrets with. Its operator has to set `UNIBOOKS_SEALING_KEYS`.",
            ),
            Self::Changed => Problem::new(
                &problems::WEBHOOK_CHANGED,
                "The secret was replaced by another call at the same time, and not by this one.",
            ),
            Self::Secrets(_) => Problem::new(&types::INTERNAL, "The failure was logged under `request_id`."),
        };
        Failure::respond(problem, self)
    }
}

fn refused(pointer: &str, error: ParseError) -> Response {
    HttpError::InvalidBody(FieldError::in_body(pointer, error).into()).into_response()
}

/// The addresses that a name has are not shown: a caller must not learn the names of a network that it cannot reach.
fn unreachable_address(kind: Kind) -> ParseError {
    match kind {
        Kind::NotAllowed => ParseError::new(
            "address_not_allowed",
            "this server sends webhooks to public addresses over https only; its operator can allow others by \
             `UNIBOOKS_WEBHOOK_NETWORKS`",
        ),
        Kind::InvalidUrl => ParseError::new("invalid_url", "write a whole URL, like https://example.com/webhooks"),
        _ => ParseError::new("unknown_host", "the name of the host cannot be resolved; is it spelled correctly?"),
    }
}
