//! `/openapi.json`, and `/docs`, the page that shows it. Both work offline: the page's scripts are part of the binary.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use utoipa::openapi::OpenApi as Document;
use utoipa_swagger_ui::Config;

use crate::http::problem::error::Error;
use crate::http::response::asset::Asset;

/// For files that change only with a new version of the server.
const ONE_HOUR: &str = "public, max-age=3600";
/// For the document, on which programs rely, and for the file that contains its URL: cached, but revalidated at each use.
const REVALIDATE: &str = "no-cache";

/// The page may load its own scripts, styles and images (some are inline in the styles) and connect to this server only.
/// It may not be framed, because a frame could redirect clicks to it (CSP level 3).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The configuration of the page, with the URL of the document.
static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    // A relative URL works under any prefix of a proxy.
    //
    // With the validator on, the page would load a badge from swagger.io and reveal this server's URL. The base layout
    // has no top bar, which could load the documents of other servers and contains an image with inline styles.
    Arc::new(Config::from("../openapi.json").validator_url("none").use_base_layout())
});

/// The files that were requested so far, each compressed once per process. There are about a dozen.
static FILES: LazyLock<Mutex<HashMap<String, Arc<Asset>>>> = LazyLock::new(Mutex::default);

/// The routes of the page and the document, which is described once it is asked for: it takes megabytes before it is
/// written as JSON.
pub fn router<S: Clone + Send + Sync + 'static>(describe: impl FnOnce() -> Document + Send + 'static) -> Router<S> {
    // Shared, because axum copies a handler for each copy of its route, and at each call.
    let document = Arc::new(LazyLock::new(move || {
        Asset::new(serde_json::to_vec(&describe()).unwrap_or_default(), "application/json", REVALIDATE)
    }));
    Router::new()
        // Relative, because a proxy may serve the page under a prefix.
        .route("/docs", get(async || guarded(Redirect::to("docs/"))))
        .route("/docs/", get(async |headers: HeaderMap| file("index.html", &headers)))
        .route("/docs/{*file}", get(async |Path(name): Path<String>, headers: HeaderMap| file(&name, &headers)))
        .route("/openapi.json", get(async move |headers: HeaderMap| document.respond(&headers)))
}

/// A response with the page's security policy.
fn guarded(response: impl IntoResponse) -> Response {
    let policy = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // For browsers without `frame-ancestors`.
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    (policy, response).into_response()
}

/// A file of the page.
fn file(name: &str, headers: &HeaderMap) -> Response {
    guarded(find(name).map_or_else(|| Error::RouteNotFound.into_response(), |asset| asset.respond(headers)))
}

fn find(name: &str) -> Option<Arc<Asset>> {
    let files = || FILES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = files().get(name) {
        return Some(Arc::clone(known));
    }
    // Unknown names are not cached, because clients may request any number of them.
    let found = utoipa_swagger_ui::serve(name, Arc::clone(&CONFIG)).ok()??;
    let cache_control = if name == "swagger-initializer.js" { REVALIDATE } else { ONE_HOUR };
    let asset = Arc::new(Asset::new(found.bytes.into_owned(), &found.content_type, cache_control));
    files().insert(name.to_owned(), Arc::clone(&asset));
    Some(asset)
}
