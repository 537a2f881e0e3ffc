//! What can go wrong in the shell, and how any error becomes an answer.

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::document::Problem;
use super::invalid_head::InvalidHead;
use super::types;
use crate::db;
use crate::domain::ParseError;
use crate::http::limits::rate_limit::Exceeded;
use crate::http::problem::FieldErrors;

/// An error of the shell. The slices have their own, which become a [`Failure`] the same way.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The head is not that of an HTTP/1.1 request that this server reads.
    #[error("invalid head: {0}")]
    InvalidHead(InvalidHead),
    /// No route has this path.
    #[error("there is nothing at this path")]
    RouteNotFound,
    /// A route has this path without the slash at its end.
    #[error("there is nothing at this path, but at {without_slash}")]
    TrailingSlash {
        /// The path of the route.
        without_slash: String,
    },
    /// The path has other methods.
    #[error("this path does not know this method")]
    MethodNotAllowed,
    /// The body is not JSON.
    #[error("malformed JSON: {0}")]
    MalformedJson(String),
    /// The client's connection broke within the body.
    #[error("the body broke off: {0}")]
    UnreadableBody(#[source] axum::Error),
    /// The body did not arrive in time.
    #[error("the body did not arrive in time")]
    BodyTimeout,
    /// The body has more bytes than allowed.
    #[error("the body is larger than {max_bytes} bytes")]
    BodyTooLarge {
        /// The limit, in bytes.
        max_bytes: usize,
    },
    /// The body is compressed.
    #[error("the body is compressed")]
    CompressedBody,
    /// The body is of another media type.
    #[error("unsupported media type: {0}")]
    UnsupportedMediaType(&'static str),
    /// The body is JSON but does not mean a request.
    #[error("the body has {} faults", .0.count)]
    InvalidBody(FieldErrors),
    /// The query has faults.
    #[error("the query has {} faults", .0.count)]
    InvalidQuery(FieldErrors),
    /// The header `Idempotency-Key` has faults.
    #[error("malformed idempotency key: {0}")]
    InvalidIdempotencyKey(ParseError),
    /// The database failed us.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// The answer took longer than the request timeout.
    #[error("not answered within the request timeout")]
    TimedOut {
        /// Whether the request may be sent again without a second effect.
        repeatable: bool,
    },
    /// The API key has used up its quota of requests.
    #[error("rate limited: {0}")]
    RateLimited(Exceeded),
    /// More requests at a time than the server takes on.
    #[error("too many requests at a time")]
    Overloaded,
    /// Our own fault: a handler panicked.
    #[error("panic: {message}")]
    Panic {
        /// What the panic says.
        message: String,
        /// Whether the request may be sent again without a second effect.
        repeatable: bool,
    },
}

impl Error {
    fn problem(&self) -> Problem {
        match self {
            Self::InvalidHead(fault) => {
                let kind = match fault {
                    InvalidHead::Unreadable | InvalidHead::NotOneHost | InvalidHead::InvalidHost => {
                        &types::MALFORMED_REQUEST
                    }
                    InvalidHead::TargetTooLong => &types::URI_TOO_LONG,
                    InvalidHead::TooLarge => &types::HEAD_TOO_LARGE,
                    InvalidHead::TransferCoding => &types::UNSUPPORTED_TRANSFER_CODING,
                };
                Problem::new(kind, format!("Nothing was stored: {fault}."))
            }
            Self::RouteNotFound => {
                Problem::new(&types::ROUTE_NOT_FOUND, "Look at `/openapi.json` or `/docs` for what there is.")
            }
            Self::TrailingSlash { without_slash } => Problem::new(
                &types::ROUTE_NOT_FOUND,
                format!("Write the path without the slash at its end: `{without_slash}`."),
            ),
            Self::MethodNotAllowed => {
                Problem::new(&types::METHOD_NOT_ALLOWED, "The header `Allow` lists the methods of this path.")
            }
            Self::MalformedJson(detail) => Problem::new(&types::MALFORMED_JSON, detail.as_str()),
            Self::UnreadableBody(_) => {
                Problem::new(&types::UNREADABLE_BODY, "The connection broke off within the body; nothing was stored.")
            }
            Self::BodyTimeout => {
                Problem::new(&types::BODY_TIMEOUT, "Send the body without pausing; nothing was stored.")
            }
            Self::BodyTooLarge { max_bytes } => {
                Problem::new(&types::BODY_TOO_LARGE, format!("A body has at most {max_bytes} bytes."))
            }
            Self::CompressedBody => Problem::new(
                &types::UNSUPPORTED_MEDIA_TYPE,
                "Send the body without `Content-Encoding`: it is not opened.",
            ),
            Self::UnsupportedMediaType(detail) => Problem::new(&types::UNSUPPORTED_MEDIA_TYPE, *detail),
            Self::InvalidBody(faults) => {
                Problem::new(&types::INVALID_BODY, format!("{} Nothing was stored.", count(faults)))
                    .with_errors(faults.listed.clone())
            }
            Self::InvalidQuery(faults) => {
                Problem::new(&types::INVALID_QUERY, count(faults)).with_errors(faults.listed.clone())
            }
            Self::InvalidIdempotencyKey(refusal) => {
                Problem::new(&types::INVALID_IDEMPOTENCY_KEY, format!("In `Idempotency-Key`: {refusal}."))
            }
            Self::Database(db::Error::Unavailable(_) | db::Error::Lost(_)) | Self::TimedOut { repeatable: true } => {
                Problem::new(&types::UNAVAILABLE, "Try again after the seconds that `Retry-After` tells.")
            }
            Self::RateLimited(_) => {
                Problem::new(&types::RATE_LIMITED, "Wait the seconds that `Retry-After` tells; nothing was stored.")
            }
            Self::Overloaded => Problem::new(
                &types::OVERLOADED,
                "Try again after the seconds that `Retry-After` tells; nothing was stored.",
            ),
            Self::TimedOut { repeatable: false } | Self::Panic { repeatable: false, .. } => Problem::new(
                &types::OUTCOME_UNKNOWN,
                "The server did not finish this request. Wait three times its database timeout (15 seconds unless the \
                 operator has set another), then list the newest payments before sending this one again. Send an \
                 `Idempotency-Key` with each create call: then a repetition is always safe.",
            ),
            Self::Database(db::Error::Constraint(_) | db::Error::Internal(_))
            | Self::Panic { repeatable: true, .. } => {
                Problem::new(&types::INTERNAL, "The failure was logged under `request_id`.")
            }
        }
    }
}

fn count(faults: &FieldErrors) -> String {
    match (faults.count, faults.listed.len()) {
        (1, _) => "1 fault; see `errors`.".to_owned(),
        (count, listed) if count > listed => format!("{count} faults; see `errors` for the first {listed}."),
        (count, _) => format!("{count} faults; see `errors`."),
    }
}

/// What rides in a failed answer's extensions until [`crate::http::middleware::log_error`] writes it down, in the log and in the body.
#[derive(Clone)]
pub struct Failure {
    /// What the client is told.
    pub problem: Problem,
    /// What the operator is told.
    pub cause: Arc<dyn std::error::Error + Send + Sync>,
}

impl Failure {
    /// The answer to a failed request.
    pub fn respond(problem: Problem, cause: impl std::error::Error + Send + Sync + 'static) -> Response {
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        let mut insert = |name: HeaderName, value| response.headers_mut().insert(name, HeaderValue::from_static(value));
        match status {
            // RFC 9110 section 11.6.1 demands a challenge; the schemes in use have no registered name.
            StatusCode::UNAUTHORIZED => {
                insert(header::WWW_AUTHENTICATE, "ApiKey realm=\"unibooks\", header=\"x-api-key, x-connection-token\"");
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                insert(header::RETRY_AFTER, "1");
            }
            _ => {}
        }
        response.extensions_mut().insert(Self { problem, cause: Arc::new(cause) });
        response
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let is_compressed = matches!(self, Self::CompressedBody);
        let exceeded = if let Self::RateLimited(exceeded) = &self { Some(*exceeded) } else { None };
        let mut response = Failure::respond(self.problem(), self);
        if let Some(exceeded) = exceeded {
            exceeded.insert_headers(response.headers_mut());
        }
        if is_compressed {
            // What would have been accepted (RFC 9110 section 15.5.16).
            response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        response
    }
}
