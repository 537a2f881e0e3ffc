//! Every route, by resource.

use axum::Router;
use axum::extract::FromRef;
use axum::http::Uri;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::accounting;
use crate::auth;
use crate::health;
use crate::http::admission::LoadShed;
use crate::http::middleware::layers;
use crate::http::middleware::not_found::not_found;
use crate::http::problem::{Error, ProblemType, types};
use crate::openapi::{self, page};
use crate::state::AppState;
use crate::sync;
use crate::webhooks;

/// The routes that the OpenAPI document describes.
fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::front_page())
        .merge(accounting::routes())
        .merge(sync::api::routes())
        .merge(webhooks::routes())
        .merge(health::routes())
}

/// Every problem type that an answer can have.
#[must_use]
pub fn problem_types() -> Vec<&'static ProblemType> {
    [&[types::ALL, auth::problems::ALL, sync::api::problems::ALL, webhooks::problems::ALL], accounting::PROBLEMS]
        .concat()
        .concat()
}

/// The server as one service: routes, documentation, layers.
pub fn router(state: AppState, options: &layers::Options) -> Router {
    let load = LoadShed::from_ref(&state);
    let public_url = options.public_url.clone();
    let routes = Router::from(routes())
        .merge(page::router(move || openapi::served_at(openapi(), &public_url)))
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
        .with_state(state);
    let known = routes.clone();
    layers::wrap(routes.fallback(move |uri: Uri| not_found(known.clone(), uri)), options, load)
}

/// The OpenAPI document of these routes.
#[must_use]
pub fn openapi() -> OpenApi {
    openapi::complete(routes().into_openapi())
}
