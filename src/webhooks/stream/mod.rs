//! The feed of events as server-sent events (WHATWG HTML, section 9.2).

mod open;
mod page;
mod query;
mod reader;
mod streams;
mod tail;

pub use streams::Streams;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::open::{__path_stream_events, stream_events};
use crate::auth::Authenticator;
use crate::http::problem::documented;
use crate::http::problem::types::OF_CALLERS;

/// The route of the stream.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authenticator: FromRef<S>,
    Streams: FromRef<S>,
{
    OpenApiRouter::new().routes(documented(routes!(stream_events), &[OF_CALLERS, open::PROBLEMS]))
}
