//! How fresh what was read from the accounting software is, and how to have it read now.

pub mod problems;
mod resync;
mod status;

pub use status::{ResourceStatus, SyncStatus};

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::resync::{__path_resync, resync};
use self::status::{__path_sync_status, __path_sync_status_of_vertical, sync_status, sync_status_of_vertical};
use crate::auth::{self, Authenticator};
use crate::http::problem::documented;
use crate::http::problem::types::OF_CALLERS;

/// The routes.
#[must_use]
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authenticator: FromRef<S>,
{
    let reading = &[&auth::problems::MISSING_SCOPE];
    OpenApiRouter::new()
        .routes(documented(routes!(sync_status), &[OF_CALLERS, reading]))
        .routes(documented(routes!(sync_status_of_vertical), &[OF_CALLERS, reading]))
        .routes(documented(routes!(resync), &[OF_CALLERS, reading, &[&problems::NO_SOFTWARE]]))
}
