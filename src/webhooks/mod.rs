//! Events of a project: read as a feed, streamed, and sent to its endpoints.

pub mod delivery;
pub mod endpoints;
pub mod feed;
pub mod problems;
mod retention;
pub mod signature;
pub mod stream;

pub use retention::Retention;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;

use self::delivery::Deliveries;
use self::endpoints::Endpoints;
use self::stream::Streams;
use crate::auth::Authenticator;
use crate::http::request::Limits;

/// The routes.
#[must_use]
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authenticator: FromRef<S>,
    Deliveries: FromRef<S>,
    Endpoints: FromRef<S>,
    Limits: FromRef<S>,
    Streams: FromRef<S>,
{
    feed::routes().merge(stream::routes()).merge(endpoints::api::routes()).merge(delivery::api::routes())
}
