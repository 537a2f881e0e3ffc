//! The errors of HTTP itself, and the problem that each becomes.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::document::Problem;
use super::failure::Failure;
use super::invalid_head::InvalidHead;
use super::types;
use crate::db;
use crate::domain::ParseError;
use crate::http::limits::rate_limit::Exceeded;
use crate::http::problem::FieldErrors;

/// The detail of a request that was refused before it did anything.
const RETRY_NOTHING_STORED: &str = "Retry after the number of seconds in `Retry-After`; nothing was stored.";

/// An error of HTTP itself. The resources have their own errors, which become a [`Failure`] in the same way.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The head is not valid, or not supported.
    #[error("invalid head: {0}")]
    InvalidHead(InvalidHead),
    /// No route has this path.
    #[error("no such route")]
    RouteNotFound,
    /// No route has this path, but one has it without the slash at the end.
    #[error("no such route, but there is {without_slash}")]
    TrailingSlash {
        /// The path of the route.
        without_slash: String,
    },
    /// The route has other methods.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// The body is not JSON.
    #[error("malformed JSON: {0}")]
    MalformedJson(String),
    /// The client connection closed before the end of the body.
    #[error("incomplete body: {0}")]
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
    /// The body is JSON but has errors.
    #[error("the body has {} errors", .0.count)]
    InvalidBody(FieldErrors),
    /// The query has errors.
    #[error("the query has {} errors", .0.count)]
    InvalidQuery(FieldErrors),
    /// The header `Idempotency-Key` is not valid.
    #[error("malformed idempotency key: {0}")]
    InvalidIdempotencyKey(ParseError),
    /// A statement failed.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// The response took longer than the request timeout.
    #[error("no response within the request timeout")]
    TimedOut {
        /// Whether the request may be sent again without a second effect.
        repeatable: bool,
    },
    /// The API key has used up its quota.
    #[error("rate limited: {0}")]
    RateLimited(Exceeded),
    /// More concurrent requests than the server has capacity for.
    #[error("too many concurrent requests")]
    Overloaded,
    /// A handler panicked.
    #[error("panic: {message}")]
    Panic {
        /// The message of the panic.
        message: String,
        /// Whether the request may be sent again without a second effect.
        repeatable: bool,
    },
}

impl Error {
    fn problem(&self) -> Problem {
        match self {
            Self::InvalidHead(error) => {
                let kind = match error {
                    InvalidHead::Unreadable | InvalidHead::NotOneHost | InvalidHead::InvalidHost => {
                        &types::MALFORMED_REQUEST
                    }
                    InvalidHead::TargetTooLong => &types::URI_TOO_LONG,
                    InvalidHead::TooLarge => &types::HEAD_TOO_LARGE,
                    InvalidHead::TransferCoding => &types::UNSUPPORTED_TRANSFER_CODING,
                };
                Problem::new(kind, format!("Nothing was stored: {error}."))
            }
            Self::RouteNotFound => {
                Problem::new(&types::ROUTE_NOT_FOUND, "See `/openapi.json` or `/docs` for the routes.")
            }
            Self::TrailingSlash { without_slash } => Problem::new(
                &types::ROUTE_NOT_FOUND,
                format!("Remove the slash at the end of the path: `{without_slash}`."),
            ),
            Self::MethodNotAllowed => {
                Problem::new(&types::METHOD_NOT_ALLOWED, "The header `Allow` lists the methods of this path.")
            }
            Self::MalformedJson(detail) => Problem::new(&types::MALFORMED_JSON, detail.as_str()),
            Self::UnreadableBody(_) => Problem::new(
                &types::UNREADABLE_BODY,
                "The client connection closed before the end of the body; nothing was stored.",
            ),
            Self::BodyTimeout => {
                Problem::new(&types::BODY_TIMEOUT, "Send the body without pauses; nothing was stored.")
            }
            Self::BodyTooLarge { max_bytes } => {
                Problem::new(&types::BODY_TOO_LARGE, format!("A body may have at most {max_bytes} bytes."))
            }
            Self::CompressedBody => {
                Problem::new(&types::UNSUPPORTED_MEDIA_TYPE, "Send the body uncompressed, without `Content-Encoding`.")
            }
            Self::UnsupportedMediaType(detail) => Problem::new(&types::UNSUPPORTED_MEDIA_TYPE, *detail),
            Self::InvalidBody(errors) => {
                Problem::new(&types::INVALID_BODY, format!("{} Nothing was stored.", count(errors)))
                    .with_errors(errors.listed.clone())
            }
            Self::InvalidQuery(errors) => {
                Problem::new(&types::INVALID_QUERY, count(errors)).with_errors(errors.listed.clone())
            }
            Self::InvalidIdempotencyKey(error) => {
                Problem::new(&types::INVALID_IDEMPOTENCY_KEY, format!("In `Idempotency-Key`: {error}."))
            }
            Self::Database(db::Error::Unavailable(_) | db::Error::Lost(_)) | Self::TimedOut { repeatable: true } => {
                Problem::new(&types::UNAVAILABLE, "Retry after the number of seconds in `Retry-After`.")
            }
            Self::RateLimited(_) => Problem::new(&types::RATE_LIMITED, RETRY_NOTHING_STORED),
            Self::Overloaded => Problem::new(&types::OVERLOADED, RETRY_NOTHING_STORED),
            Self::TimedOut { repeatable: false } | Self::Panic { repeatable: false, .. } => Problem::new(
                &types::OUTCOME_UNKNOWN,
                "The server did not finish this request. Wait three times its database timeout (15 seconds unless the \
                 operator has set another), then check whether this request took effect before you repeat it. Send an \
                 `Idempotency-Key` with each create call; repeating it is then always safe.",
            ),
            Self::Database(db::Error::Constraint(_) | db::Error::Internal(_))
            | Self::Panic { repeatable: true, .. } => {
                Problem::new(&types::INTERNAL, "The failure was logged under `request_id`.")
            }
        }
    }
}

fn count(errors: &FieldErrors) -> String {
    match (errors.count, errors.listed.len()) {
        (1, _) => "1 error; see `errors`.".to_owned(),
        (count, listed) if count > listed => format!("{count} errors; see `errors` for the first {listed}."),
        (count, _) => format!("{count} errors; see `errors`."),
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
            // The codings that are accepted (RFC 9110 section 15.5.16).
            response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        response
    }
}
