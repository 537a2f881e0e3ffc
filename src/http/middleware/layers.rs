//! What every request passes through, on one page. Read from the top: the first layer is the outermost.

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, Any as AnyHeader, CorsLayer};
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use super::drain::drain;
use super::load_shed::shed;
use super::log_error::log_error;
use super::log_limit::LogLimit;
use super::observe::observe;
use super::public_url::{PublicUrl, locate};
use super::request_head::refuse_invalid_head;
use crate::http::admission::LoadShed;
use crate::http::problem::error::Error;
use crate::http::problem::failure::Failure;
use crate::http::request::Deadline;

/// What an operator sets about the layers.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How long a whole answer may take.
    pub request_timeout: Duration,
    /// Web origins that may call the API; CORS is off when there is none.
    pub cors_origins: Vec<HeaderValue>,
    /// Where clients reach the API, when it is not where the server listens.
    pub public_url: PublicUrl,
}

/// Wraps the routes.
pub fn wrap(router: Router, options: &Options, load: LoadShed) -> Router {
    let Options { request_timeout, cors_origins, public_url } = options;
    let absolute_location = public_url.get().map(|_| from_fn_with_state(public_url.clone(), locate));
    let secrets = ["x-api-key", "x-connection-token"].map(HeaderName::from_static);
    router.layer(
        ServiceBuilder::new()
            // First of all, so that no later layer can print them.
            .layer(SetSensitiveRequestHeadersLayer::new(secrets))
            // Outside everything that can fail, so that each failure has an id, a span and a log line.
            .layer(from_fn_with_state(LogLimit::default(), observe))
            // Inside the span, outside all that makes failures.
            .layer(from_fn(log_error))
            // Payments belong in no cache, and no answer is to be taken for anything but its type.
            .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
            .layer(SetResponseHeaderLayer::overriding(
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ))
            // Outside all that reads the body: where it ends is not certain.
            .layer(from_fn(refuse_invalid_head))
            // Outside all that may answer before the body was read.
            .layer(from_fn(drain))
            // Answers preflights, so before anything that wants a key.
            .option_layer((!cors_origins.is_empty()).then(|| cors(cors_origins)))
            // Bounds the handlers; what it cuts off is a failure like any other.
            .layer(from_fn_with_state(*request_timeout, limit_time))
            // Around the handlers and all that waits for them: a panic ends one request, not its client connection.
            .layer(CatchPanicLayer::custom(panicked))
            // After all that is cheap: refuses at once what the server has no capacity for.
            .layer(from_fn_with_state(load, shed))
            // Next to the handlers, which write paths.
            .option_layer(absolute_location),
    )
}

async fn limit_time(State(timeout): State<Duration>, mut request: Request, next: Next) -> Response {
    let deadline = Instant::now() + timeout;
    request.extensions_mut().insert(Deadline(deadline));
    // A create without a key must not be repeated by a client library on its own (contract §1.10).
    let repeatable = request.method().is_safe() || request.headers().contains_key("idempotency-key");
    match tokio::time::timeout_at(deadline, next.run(request)).await {
        // The panic may have come after the write.
        Ok(response) if !repeatable => panic_message(&response)
            .map(|message| Error::Panic { message, repeatable }.into_response())
            .unwrap_or(response),
        Ok(response) => response,
        Err(_elapsed) => Error::TimedOut { repeatable }.into_response(),
    }
}

/// What the panic says that this answer is about.
fn panic_message(response: &Response) -> Option<String> {
    match response.extensions().get::<Failure>()?.cause.downcast_ref() {
        Some(Error::Panic { message, .. }) => Some(message.clone()),
        _ => None,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that tower-http asks for")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    Error::Panic { message: message.unwrap_or("without a message").to_owned(), repeatable: true }.into_response()
}

fn cors(origins: &[HeaderValue]) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.iter().cloned()))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers(AnyHeader)
        .expose_headers(
            [
                "location",
                "idempotency-key",
                "idempotent-replayed",
                "ratelimit",
                "ratelimit-policy",
                "retry-after",
                super::request_id::HEADER,
            ]
            .map(HeaderName::from_static),
        )
}
