//! The feed of events.

pub mod body;
mod created_connections;
mod cursor;
mod error;
mod list;
mod query;

pub use body::bodies;
pub use cursor::FeedCursor;
pub use error::Error;
pub use query::EventPatterns;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::created_connections::{__path_list_created_connections, list_created_connections};
use self::list::{__path_list_events, list_events};
use crate::auth::Authenticator;
use crate::http::problem::documented;
use crate::http::problem::types::OF_CALLERS;

/// The routes of the feed.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(documented(routes!(list_events), &[OF_CALLERS, list::PROBLEMS]))
        .routes(documented(routes!(list_created_connections), &[OF_CALLERS, created_connections::PROBLEMS]))
}
