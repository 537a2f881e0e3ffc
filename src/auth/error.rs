//! Why a caller is refused.

use axum::response::{IntoResponse, Response};

use super::credentials::secret::Kind;
use super::problems;
use crate::db;
use crate::domain::{ApiKeyScope, ParseError};
use crate::http::limits::rate_limit::Exceeded;
use crate::http::problem::{Error as HttpError, Failure, FieldError, Problem, types};

/// What is wrong with one of the two secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialError {
    /// The header is missing, empty or given more than once.
    Missing,
    /// The text is no secret of its kind.
    Malformed,
    /// There is no such secret. A token of another project is just as unknown, so that nobody learns of it.
    Unknown,
    /// It was revoked.
    Revoked,
    /// It has expired.
    Expired,
}

/// Why a caller is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// One secret or both are not valid.
    #[error("unauthenticated: {0:?}")]
    Unauthenticated(Vec<(Kind, CredentialError)>),
    /// A key that may only read payments was used for a write. Clients know this code from before there were scopes.
    #[error("a read-only key was used for a write")]
    ReadOnlyKey,
    /// The key has not the scope that the call needs.
    #[error("the API key has not the scope {0}")]
    MissingScope(ApiKeyScope),
    /// The server has no room for the request, or its key has used up its quota.
    #[error(transparent)]
    NotAdmitted(HttpError),
    /// The address failed to authenticate too often.
    #[error("too many failures: {0}")]
    TooManyFailures(Exceeded),
    /// The database could not be asked.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Unauthenticated(ref errors) => {
                let problem = Problem::new(
                    &types::UNAUTHENTICATED,
                    "Send an API key in `x-api-key` and the token of a connection of the same project in \
                     `x-connection-token`; see `errors`.",
                )
                .with_errors(errors.iter().map(|&(kind, error)| field_error(kind, error)).collect());
                Failure::respond(problem, self)
            }
            Self::ReadOnlyKey => {
                let detail = "This call needs the scope `payments:write`, and this API key has `payments:read` only. Use a \
                              key that was created without `--read-only`.";
                Failure::respond(Problem::new(&problems::READ_ONLY_KEY, detail), self)
            }
            Self::MissingScope(scope) => {
                let detail = format!("This call needs the scope `{scope}`. Use an API key that has it.");
                Failure::respond(Problem::new(&problems::MISSING_SCOPE, detail), self)
            }
            Self::TooManyFailures(exceeded) => {
                let problem = Problem::new(
                    &types::TOO_MANY_FAILURES,
                    "Too many requests from this address had no valid API key and connection token. Retry with valid \
                     ones after the number of seconds in `Retry-After`; nothing was stored.",
                );
                let mut response = Failure::respond(problem, self);
                exceeded.insert_headers(response.headers_mut());
                response
            }
            Self::NotAdmitted(error) => error.into_response(),
            Self::Database(error) => HttpError::Database(error).into_response(),
        }
    }
}

fn field_error(kind: Kind, error: CredentialError) -> FieldError {
    let (header, what) = match kind {
        Kind::ApiKey => ("x-api-key", "API key"),
        Kind::ConnectionToken => ("x-connection-token", "connection token"),
    };
    let (code, detail) = match (error, kind) {
        (CredentialError::Missing, _) => {
            ("missing", "the header is missing, empty or appears more than once".to_owned())
        }
        (CredentialError::Malformed, _) => {
            let prefix = kind.prefix();
            ("malformed", format!("not a whole {what}; it begins with `{prefix}` and may have lost characters"))
        }
        (CredentialError::Unknown, Kind::ApiKey) => ("unknown", "no such API key".to_owned()),
        (CredentialError::Unknown, Kind::ConnectionToken) => {
            ("unknown", "no such connection token in the project of this API key".to_owned())
        }
        (CredentialError::Revoked, _) => ("revoked", format!("this {what} was revoked")),
        (CredentialError::Expired, _) => ("expired", format!("this {what} has expired")),
    };
    FieldError::in_header(header, ParseError::new(code, detail))
}
