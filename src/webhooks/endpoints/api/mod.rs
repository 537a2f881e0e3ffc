//! The calls for endpoints, with the paths and statuses that existing client libraries know.

mod body;
mod create;
mod delete;
mod get;
mod list;
mod path;
mod problem;
mod rotate;
mod update;
mod verify_event;
mod view;

pub use view::WebhookView;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::create::{__path_create_webhook, create_webhook};
use self::delete::{__path_delete_webhook, delete_webhook};
use self::get::{__path_get_webhook, get_webhook};
use self::list::{__path_list_webhooks, list_webhooks};
use self::rotate::{__path_rotate_webhook_secret, rotate_webhook_secret};
use self::update::{__path_update_webhook, update_webhook};
use self::verify_event::{__path_verify_event, verify_event};
use super::Endpoints;
use crate::auth::{self, Authenticator};
use crate::http::problem::types::{OF_BODIES, OF_CALLERS};
use crate::http::problem::{ProblemType, documented};
use crate::http::request::Limits;
use crate::webhooks::problems;

/// What a call about one endpoint can be answered.
const OF_ONE: &[&ProblemType] = &[&auth::problems::MISSING_SCOPE, &problems::WEBHOOK_NOT_FOUND];

/// The routes.
#[must_use]
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authenticator: FromRef<S>,
    Endpoints: FromRef<S>,
    Limits: FromRef<S>,
{
    let scope = &[&auth::problems::MISSING_SCOPE][..];
    let creating = &[&problems::TOO_MANY_WEBHOOKS, &problems::NO_SEALING_KEYS];
    let rotating = &[&problems::WEBHOOK_CHANGED, &problems::NO_SEALING_KEYS];
    OpenApiRouter::new()
        .routes(documented(routes!(list_webhooks), &[OF_CALLERS, scope]))
        .routes(documented(routes!(create_webhook), &[OF_CALLERS, OF_BODIES, scope, creating]))
        .routes(documented(routes!(get_webhook), &[OF_CALLERS, OF_ONE]))
        .routes(documented(routes!(update_webhook), &[OF_CALLERS, OF_BODIES, OF_ONE]))
        .routes(documented(routes!(delete_webhook), &[OF_CALLERS, OF_ONE]))
        .routes(documented(routes!(rotate_webhook_secret), &[OF_CALLERS, OF_ONE, rotating]))
        .routes(documented(routes!(verify_event), &[OF_CALLERS, OF_BODIES, scope, &[&problems::INVALID_SIGNATURE]]))
}
