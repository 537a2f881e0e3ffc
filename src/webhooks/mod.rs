//! Events of a project: read as a feed, and sent to webhook endpoints.

pub mod feed;
pub mod problems;
pub mod signature;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;

use crate::auth::Authenticator;

/// The routes.
#[must_use]
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authenticator: FromRef<S>,
{
    feed::routes()
}
