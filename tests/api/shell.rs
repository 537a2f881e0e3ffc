//! What all routes share: problems, headers, timeouts, panics, CORS.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Method, Request, StatusCode};
use axum::routing::{get, post};
use http_body_util::{BodyExt, Full};
use insta::assert_json_snapshot;
use serde_json::{Value, json};
use tower::ServiceExt;
use unibooks::config::{Origins, ServerSettings};
use unibooks::domain::Clock;
use unibooks::http::admission::LoadShed;
use unibooks::http::middleware::layers;

use crate::accounting::payments::isolation::operations;
use crate::support::app::{Answer, App, PAYMENTS, remote, small_payment, webhooks};

async fn send(router: Router, request: Request<Body>) -> Answer {
    let (parts, body) = router.oneshot(request).await.expect("the router does not fail").into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
    Answer { status: parts.status, headers: parts.headers, text }
}

fn request(method: &str, path: &str) -> Request<Body> {
    Request::builder().method(method).uri(path).body(Body::empty()).expect("a request")
}

#[track_caller]
fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let body = answer.json();
    assert_eq!(body["code"], code);
    assert_eq!(body["status"], status);
    assert_eq!(body["type"], format!("urn:unibooks:problem:{code}"));
    assert_eq!(body["request_id"], answer.header("x-request-id"));
    let length = answer.header("content-length");
    assert!(length.is_empty() || length == answer.text.len().to_string(), "{length} bytes announced");
}

#[tokio::test]
async fn unknown_path_is_a_problem() {
    let app = App::new().await;
    let answer = app.send(request("GET", "/accounting/refunds?api_key=x")).await;
    assert_problem(&answer, 404, "route_not_found");
    assert_json_snapshot!(answer.json(), { ".request_id" => "…" }, @r#"
    {
      "code": "route_not_found",
      "detail": "See `/openapi.json` or `/docs` for the routes.",
      "instance": "/accounting/refunds",
      "request_id": "…",
      "retryable": false,
      "status": 404,
      "title": "No such route",
      "type": "urn:unibooks:problem:route_not_found"
    }
    "#);
}

#[tokio::test]
async fn trailing_slash_is_a_404_that_names_the_path() {
    let app = App::new().await;
    let payment = format!("{PAYMENTS}/0197a3c2-5b7e-7c40-8a51-3f0b6a9d2e11");
    for (method, path) in [("GET", PAYMENTS), ("POST", PAYMENTS), ("GET", &payment), ("PUT", "/openapi.json")] {
        for slashes in ["/", "//", "/?limit=1"] {
            let answer = app.send(request(method, &format!("{path}{slashes}"))).await;
            assert_problem(&answer, 404, "route_not_found");
            let detail = answer.json()["detail"].clone();
            assert_eq!(detail, format!("Remove the slash at the end of the path: `{path}`."));
        }
    }
    for path in ["/accounting/", "/accounting/refunds/", "//", "/docs/nothing/"] {
        let answer = app.send(request("GET", path)).await;
        assert_problem(&answer, 404, "route_not_found");
        assert!(!answer.json()["detail"].as_str().expect("a text").contains("slash"), "{}", answer.text);
    }
}

#[tokio::test]
async fn public_url_is_used_in_location_and_openapi() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let public_url = "https://api.example/books/".parse().expect("a URL");
    let settings = ServerSettings { public_url, ..ServerSettings::default() };
    let router = unibooks::app::App::new(&settings, &app.database, &Clock::system(), remote(), webhooks()).router;

    // The second call is a repetition.
    for _ in 0..2 {
        let create = tenant.request(Method::POST, PAYMENTS).header("content-type", "application/json");
        // Headers in which a client names a host are ignored.
        let create = create.header("host", "evil.example").header("x-forwarded-prefix", "/evil");
        let create = create.header("x-forwarded-host", "evil.example").header("idempotency-key", "order-17");
        let created =
            send(router.clone(), create.body(Body::from(small_payment().to_string())).expect("a request")).await;
        let id = created.json()["id"].as_str().expect("an id").to_owned();
        assert_eq!(created.header("location"), format!("https://api.example/books{PAYMENTS}/{id}"));
    }
    let document = send(router.clone(), request("GET", "/openapi.json")).await.json();
    assert_eq!(document["servers"], json!([{ "url": "https://api.example/books" }]));
    // These links are relative, so they need no public URL.
    let redirect = send(router.clone(), request("GET", "/docs")).await;
    assert_eq!(redirect.header("location"), "docs/");
    let initializer = send(router, request("GET", "/docs/swagger-initializer.js")).await;
    assert!(initializer.text.contains("\"../openapi.json\""), "{}", initializer.text);

    let without = app.create(&tenant, &small_payment()).await;
    let id = without.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(without.header("location"), format!("{PAYMENTS}/{id}"));
    assert!(app.send(request("GET", "/openapi.json")).await.json()["servers"].is_null());
}

#[tokio::test]
async fn wrong_method_is_a_problem_that_lists_the_allowed_ones() {
    let app = App::new().await;
    for (method, path, allow) in [
        ("DELETE", PAYMENTS.to_owned(), "GET,HEAD,POST"),
        ("PUT", format!("{PAYMENTS}/0197a3c2-5b7e-7c40-8a51-3f0b6a9d2e11"), "GET,HEAD"),
        ("BREW", "/health".to_owned(), "GET,HEAD"),
        ("OPTIONS", PAYMENTS.to_owned(), "GET,HEAD,POST"),
    ] {
        let answer = app.send(request(method, &path)).await;
        assert_problem(&answer, 405, "method_not_allowed");
        let mut allowed: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(","), allow, "{method} {path}");
    }
}

#[tokio::test]
async fn too_large_body_is_a_problem_with_or_without_its_length() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let large = json!({ "type": "x".repeat(1_048_576) }).to_string();
    assert_problem(&app.create_with(&tenant, &[], large.clone()).await, 413, "body_too_large");
    // A body that is mapped has no known length.
    let body = Body::new(Full::new(Bytes::from(large)).map_frame(|frame| frame));
    assert_problem(&app.create_with(&tenant, &[], body).await, 413, "body_too_large");
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn body_without_a_json_media_type_is_a_problem() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp"] {
        let request = tenant.request(Method::POST, PAYMENTS).header("content-type", media_type);
        let answer = app.send(request.body(Body::from(small_payment().to_string())).expect("a request")).await;
        assert_problem(&answer, 415, "unsupported_media_type");
    }
}

#[tokio::test]
async fn valid_request_id_is_kept_and_others_replaced() {
    let app = App::new().await;
    let with_id =
        |id: &str| Request::get("/nowhere").header("x-request-id", id).body(Body::empty()).expect("a request");
    let answer = app.send(with_id("order-17.a_B")).await;
    assert_eq!(answer.header("x-request-id"), "order-17.a_B");
    assert_eq!(answer.json()["request_id"], "order-17.a_B");
    for id in ["", "two words", "{\"log\":1}", &"x".repeat(129)] {
        let answer = app.send(with_id(id)).await;
        let made = answer.header("x-request-id");
        assert!(uuid::Uuid::parse_str(made).is_ok(), "{id} became {made}");
        assert_eq!(answer.json()["request_id"], made);
    }
    let answer = app.send(request("GET", "/health")).await;
    assert_eq!(answer.header("x-request-id").len(), 36, "a success has one too");
}

#[tokio::test]
async fn every_answer_has_its_duration_and_is_not_cached() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let answers = [
        app.get(&tenant, PAYMENTS).await,
        app.create(&tenant, &small_payment()).await,
        app.get(&tenant, "/nowhere").await,
    ];
    for answer in answers {
        let milliseconds = answer.header("server-timing").strip_prefix("total;dur=").expect("a duration");
        assert!(milliseconds.parse::<f64>().is_ok(), "{milliseconds}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn panic_becomes_a_problem_without_its_message() {
    let panics = Router::new().route("/", get(async || -> &'static str { panic!("secret {}", 42) }));
    let answer = send(wrap(panics, Duration::from_mins(1)), request("GET", "/")).await;
    assert_problem(&answer, 500, "internal");
    assert!(!answer.text.contains("secret"));
    assert_json_snapshot!(answer.json(), { ".request_id" => "…" }, @r#"
    {
      "code": "internal",
      "detail": "The failure was logged under `request_id`.",
      "instance": "/",
      "request_id": "…",
      "retryable": true,
      "status": 500,
      "title": "Internal server error",
      "type": "urn:unibooks:problem:internal"
    }
    "#);
}

/// The panic may have come after the write, and client libraries repeat a 500 by themselves.
#[tokio::test]
async fn panic_in_a_create_is_retryable_only_with_a_key() {
    let panics = || async { panic!("after the write") as StatusCode };
    let router = wrap(Router::new().route("/", post(panics)), Duration::from_mins(1));

    let write = send(router.clone(), request("POST", "/")).await;
    assert_problem(&write, 409, "outcome_unknown");
    assert_eq!(write.json()["retryable"], false);

    let keyed = Request::post("/").header("idempotency-key", "a").body(Body::empty()).expect("a request");
    assert_problem(&send(router, keyed).await, 500, "internal");
}

#[tokio::test]
async fn timeout_is_retryable_only_if_a_repetition_is_safe() {
    let slow = || async { std::future::pending::<StatusCode>().await };
    let router = Router::new().route("/", get(slow).post(slow));
    let router = wrap(router, Duration::from_millis(1));

    let read = send(router.clone(), request("GET", "/")).await;
    assert_problem(&read, 503, "unavailable");
    assert_eq!(read.header("retry-after"), "1");

    let write = send(router.clone(), request("POST", "/")).await;
    assert_problem(&write, 409, "outcome_unknown");
    assert_eq!(write.json()["retryable"], false);

    let keyed = Request::post("/").header("idempotency-key", "a").body(Body::empty()).expect("a request");
    assert_problem(&send(router, keyed).await, 503, "unavailable");
}

fn wrap(router: Router, request_timeout: Duration) -> Router {
    layers::wrap(router, &layers::Options { request_timeout, ..layers::Options::default() }, LoadShed::new(8))
}

fn preflight(origin: &str) -> Request<Body> {
    let request = Request::options(PAYMENTS).header("origin", origin).header("access-control-request-method", "POST");
    request.header("access-control-request-headers", "x-api-key").body(Body::empty()).expect("a request")
}

#[tokio::test]
async fn cors_is_off_unless_set() {
    let app = App::new().await;
    let answer = app.send(preflight("https://books.example")).await;
    assert_problem(&answer, 405, "method_not_allowed");
    let simple = Request::get("/health").header("origin", "https://books.example");
    for answer in [answer, app.send(simple.body(Body::empty()).expect("a request")).await] {
        assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control-")));
    }
}

#[tokio::test]
async fn cors_allows_only_the_named_origins() {
    let app = App::new().await;
    let origins = ["https://books.example", "http://localhost:3000"].map(HeaderValue::from_static);
    let settings = ServerSettings { cors_origins: Origins(origins.to_vec()), ..ServerSettings::default() };
    let router = unibooks::app::App::new(&settings, &app.database, &Clock::system(), remote(), webhooks()).router;

    for origin in ["https://books.example", "http://localhost:3000"] {
        let answer = send(router.clone(), preflight(origin)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("access-control-allow-headers"), "*");
        let allowed: BTreeSet<_> =
            answer.header("access-control-allow-methods").split(',').map(str::to_owned).collect();
        let method = |(route, _): (String, Value)| route.split(' ').next().expect("a method").to_owned();
        assert_eq!(allowed, operations().into_iter().map(method).collect(), "those of the OpenAPI document");
    }
    let refused = send(router.clone(), preflight("https://other.example")).await;
    assert_eq!(refused.header("access-control-allow-origin"), "");

    let call = Request::get(PAYMENTS).header("origin", "https://books.example").body(Body::empty()).expect("a request");
    let answer = send(router, call).await;
    assert_problem(&answer, 401, "unauthenticated");
    assert_eq!(answer.header("access-control-allow-origin"), "https://books.example", "a page can read its errors");
    assert_eq!(
        answer.header("access-control-expose-headers"),
        "location,idempotency-key,idempotent-replayed,ratelimit,ratelimit-policy,retry-after,x-request-id"
    );
}
