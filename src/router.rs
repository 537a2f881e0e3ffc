//! The table of contents: every route, in order.

use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, Uri};
use axum::middleware::from_fn_with_state;
use tower::util::option_layer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::accounting::payments::create::{__path_create_payment, create_payment};
use crate::accounting::payments::get::{__path_retrieve_payment, retrieve_payment};
use crate::accounting::payments::list::{__path_list_payments, list_payments};
use crate::health::{__path_health, __path_hello, __path_live, __path_ready, health, hello, live, ready};
use crate::http::middleware::not_found::not_found;
use crate::http::middleware::public_url::{PublicUrl, locate};
use crate::http::middleware::{layers, load_shed};
use crate::http::problem::Error;
use crate::openapi::{self, page};
use crate::state::AppState;

fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::front_page())
        .routes(routes!(create_payment, list_payments))
        .routes(routes!(retrieve_payment))
        .routes(routes!(hello))
        .routes(routes!(health))
        .routes(routes!(live))
        .routes(routes!(ready))
}

/// The server as one service: routes, documentation, layers.
pub fn router(
    state: AppState,
    request_timeout: Duration,
    cors_origins: &[HeaderValue],
    public_url: &PublicUrl,
) -> Router {
    let (routes, api) = routes().split_for_parts();
    let load = state.load.clone();
    let locate = public_url.get().map(|_| from_fn_with_state(public_url.clone(), locate));
    let routes = routes
        .merge(page::router(openapi::served_at(openapi::complete(api), public_url)))
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
        .with_state(state);
    let known = routes.clone();
    let routes = routes
        .fallback(move |uri: Uri| not_found(known.clone(), uri))
        .layer(option_layer(locate))
        .layer(from_fn_with_state(load, load_shed::shed));
    layers::wrap(routes, request_timeout, cors_origins)
}

/// The OpenAPI document of these routes.
#[must_use]
pub fn openapi() -> OpenApi {
    openapi::complete(routes().into_openapi())
}
