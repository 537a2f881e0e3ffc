//! `/openapi.json`, and `/docs`, the page that shows it. Both work offline: the page's scripts are part of the binary.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use utoipa::openapi::OpenApi as Document;
use utoipa_swagger_ui::Config;

use crate::http::problem::error::Error;
use crate::http::response::asset::Asset;

/// Of files that change with a new version of the server only, and hardly then.
const AN_HOUR: &str = "public, max-age=3600";
/// Kept, but asked for at each use: what says where the document is, and the document, by which programs work.
const ASK_FIRST: &str = "no-cache";

/// The page loads its own scripts, styles and pictures (some stand in the style), asks this server and nobody else, and
/// stands in no frame: a frame around it could lead clicks into it (CSP level 3).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Where the page finds the document.
static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    // The document lies beside the page's folder, wherever a proxy shows the two.
    //
    // The page would load a badge from the validator of swagger.io, and tell it where this server is. The bar at the top,
    // which the base layout lacks, loads other servers' documents and has a picture with styles inside.
    Arc::new(Config::from("../openapi.json").validator_url("none").use_base_layout())
});

/// The files that were asked for, compressed once a process. There are a dozen.
static FILES: LazyLock<Mutex<HashMap<String, Arc<Asset>>>> = LazyLock::new(Mutex::default);

/// The routes.
pub fn router<S: Clone + Send + Sync + 'static>(api: Document) -> Router<S> {
    let document = Arc::new(OnceLock::new());
    Router::new()
        // Relative, because a proxy may show the page under a prefix.
        .route("/docs", get(async || guarded(Redirect::to("docs/"))))
        .route("/docs/", get(async |headers: HeaderMap| file("index.html", &headers)))
        .route("/docs/{*file}", get(async |Path(name): Path<String>, headers: HeaderMap| file(&name, &headers)))
        .route(
            "/openapi.json",
            get(async move |headers: HeaderMap| {
                let asset = document.get_or_init(|| {
                    let json = serde_json::to_vec(&api).unwrap_or_default();
                    Asset::new(json, "application/json", ASK_FIRST)
                });
                asset.answer(&headers)
            }),
        )
}

/// An answer under the page's policy.
fn guarded(answer: impl IntoResponse) -> Response {
    let policy = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // For browsers that do not know `frame-ancestors`.
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    (policy, answer).into_response()
}

/// A file of the page.
fn file(name: &str, headers: &HeaderMap) -> Response {
    guarded(find(name).map_or_else(|| Error::RouteNotFound.into_response(), |asset| asset.answer(headers)))
}

fn find(name: &str) -> Option<Arc<Asset>> {
    let files = || FILES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = files().get(name) {
        return Some(Arc::clone(known));
    }
    // Names that are not there are not kept: there are as many as somebody likes to ask for.
    let found = utoipa_swagger_ui::serve(name, Arc::clone(&CONFIG)).ok()??;
    let cache_control = if name == "swagger-initializer.js" { ASK_FIRST } else { AN_HOUR };
    let asset = Arc::new(Asset::new(found.bytes.into_owned(), &found.content_type, cache_control));
    files().insert(name.to_owned(), Arc::clone(&asset));
    Some(asset)
}
