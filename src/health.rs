//! The health probes and the greeting.
#![expect(clippy::missing_errors_doc, reason = "the doc comments are the API's own")]

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Authenticator;
use crate::http::problem::{Error, documented, types};

/// The routes without credentials, each with the problems that it can answer.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(documented(routes!(hello), &[]))
        .routes(documented(routes!(health), &[]))
        .routes(documented(routes!(live), &[]))
        .routes(documented(routes!(ready), &[&[&types::UNAVAILABLE]]))
}

/// Names the server in plain text, the only form that `hello()` of existing client libraries decodes (contract §1.11).
#[utoipa::path(get, path = "/", tag = "server", responses((status = 200, description = "A greeting", body = String)))]
pub async fn hello() -> &'static str {
    "unibooks: a unified accounting API. Documentation is at /docs\n"
}

/// The number `200`, which existing client libraries expect (contract §1.11). It means that the process responds.
#[utoipa::path(
    get, path = "/health", tag = "server",
    responses((status = 200, description = "The process responds", body = u16, content_type = "application/json",
        example = 200))
)]
pub async fn health() -> Json<u16> {
    Json(200)
}

/// The process responds. Restart it when this probe fails.
#[utoipa::path(get, path = "/livez", tag = "server", responses((status = 200, description = "The process responds")))]
pub async fn live() -> StatusCode {
    StatusCode::OK
}

/// The database is reachable and has every migration of this server. Send no requests here while this is not 200.
#[utoipa::path(
    get, path = "/readyz", tag = "server",
    responses((status = 200, description = "Ready for requests"))
)]
pub async fn ready(State(authenticator): State<Authenticator>) -> Result<StatusCode, Error> {
    authenticator.check_ready().await?;
    Ok(StatusCode::OK)
}
