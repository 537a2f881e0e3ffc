//! What became of deliveries, and how to have events sent again, over HTTP.

mod attempts;
mod error;
mod replay;
mod resend;
mod test;

pub use attempts::AttemptView;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::attempts::{__path_list_attempts, list_attempts};
use self::replay::{__path_replay_events, replay_events};
use self::resend::{__path_resend_event, resend_event};
use self::test::{__path_test_webhook, test_webhook};
use super::Deliveries;
use crate::auth::Authenticator;
use crate::http::problem::documented;
use crate::http::problem::types::{OF_BODIES, OF_CALLERS};
use crate::http::request::Limits;

/// The routes.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authenticator: FromRef<S>,
    Deliveries: FromRef<S>,
    Limits: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(documented(routes!(list_attempts), &[OF_CALLERS, attempts::PROBLEMS]))
        .routes(documented(routes!(replay_events), &[OF_CALLERS, OF_BODIES, replay::PROBLEMS]))
        .routes(documented(routes!(resend_event), &[OF_CALLERS, resend::PROBLEMS]))
        .routes(documented(routes!(test_webhook), &[OF_CALLERS, test::PROBLEMS]))
}
