//! The log: one line for each request, each failure once, and no secrets.

use std::process::Command;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use serde_json::{Value, json};
use tower::ServiceExt;
use unibooks::config::{RateLimit, ServerSettings};
use unibooks::domain::Clock;
use unibooks::http::admission::LoadShed;
use unibooks::http::middleware::layers;
use unibooks::telemetry::{self, LogFormat};

use crate::support::app::{App, PAYMENTS, small_payment, unlimited};
use crate::support::logs::Logs;
use crate::support::postgres;
use crate::support::wait::until;

fn with_message<'a>(lines: &'a [Value], message: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["message"] == message).collect()
}

#[tokio::test]
async fn request_is_one_line_with_caller_route_and_status() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let logs = Logs::catch("info");
    let answer = app.create(&tenant, &small_payment()).await;
    let lines = logs.lines();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let line = &lines[0];
    assert_eq!(line["message"], "answered");
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["status"], 201);
    assert!(line["duration_us"].is_u64());
    assert_eq!(
        line["span"],
        json!({
            "name": "request", "method": "POST", "route": "/accounting/payments",
            "request_id": answer.header("x-request-id"), "project_id": tenant.project_id.to_string(),
            "connection_id": tenant.connection_id.to_string(), "api_key_id": tenant.api_key_id.to_string(),
        })
    );
}

#[tokio::test]
async fn route_is_logged_but_never_the_path() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let logs = Logs::catch("info");
    let path = format!("{PAYMENTS}/0197a3c2-5b7e-7c40-8a51-3f0b6a9d2e11");
    let traced = tenant.request("GET".parse().expect("a method"), &path);
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    app.send(traced.header("traceparent", traceparent).body(Body::empty()).expect("a request")).await;
    app.get(&tenant, "/nowhere/marker").await;
    let lines = logs.lines();
    let spans: Vec<_> = lines.iter().map(|line| (&line["span"]["route"], &line["span"]["code"])).collect();
    assert_eq!(
        spans,
        [
            (&json!("/accounting/payments/{id}"), &json!("payment_not_found")),
            (&json!("unmatched"), &json!("route_not_found"))
        ]
    );
    assert_eq!(lines[0]["span"]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert!(!logs.text().contains("marker"));
}

#[tokio::test]
async fn client_error_is_one_info_line_with_its_code() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let logs = Logs::catch("info");
    app.create(&tenant, &json!({ "currency": "EURO" })).await;
    app.send(Request::get(PAYMENTS).body(Body::empty()).expect("a request")).await;
    let lines = logs.lines();
    let outcomes: Vec<_> = lines.iter().map(|line| (&line["level"], &line["status"], &line["span"]["code"])).collect();
    assert_eq!(
        outcomes,
        [
            (&json!("INFO"), &json!(422), &json!("invalid_body")),
            (&json!("INFO"), &json!(401), &json!("unauthenticated"))
        ]
    );
}

#[tokio::test]
async fn probes_are_not_logged_while_ready() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let logs = Logs::catch("info");
    for probe in ["/health", "/livez", "/readyz"] {
        assert_eq!(app.get(&tenant, probe).await.status, 200);
    }
    assert_eq!(logs.text(), "");
    app.database.close().await;
    until("the last successful check has expired", async || app.get(&tenant, "/readyz").await.status != 200).await;
    assert_eq!(with_message(&logs.lines(), "answered").len(), 1);
}

#[tokio::test]
async fn failure_is_logged_once_with_cause_and_request_id() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let mut connection = app.connect().await;
    sqlx::query("drop table payment_line_item").execute(&mut connection).await.expect("dropped");
    let logs = Logs::catch("info");
    let answer = app.create(&tenant, &small_payment()).await;
    assert_eq!(answer.status, 500);
    let lines = logs.lines();
    let failures: Vec<_> = lines.iter().filter(|line| line["level"] == "ERROR").collect();
    let [failure] = failures[..] else { panic!("{} errors: {failures:#?}", failures.len()) };
    let cause = failure["error"].as_str().expect("a cause");
    assert!(cause.contains("payment_line_item"), "{cause}");
    assert_eq!(failure["span"]["request_id"], answer.header("x-request-id"));
    assert_eq!(failure["span"]["connection_id"], tenant.connection_id.to_string());
    assert_eq!(logs.text().matches("payment_line_item").count(), 1, "the cause is logged once");
    assert!(!answer.text.contains("payment_line_item"), "the client does not see the cause");
    assert_eq!(with_message(&lines, "answered").len(), 1);
}

/// How many answers with this code have their own log line, and how many are only in a count.
fn lines_and_counts(logs: &Logs, code: &str) -> (usize, u64) {
    let lines = logs.lines();
    let own = with_message(&lines, "answered").iter().filter(|line| line["span"]["code"] == code).count();
    let together = with_message(&lines, "similar responses were not logged");
    let counts = together.iter().filter(|line| line["code"] == code).map(|line| line["requests"].as_u64());
    (own, counts.map(|count| count.expect("a count")).sum())
}

/// Waits until this many answers are in the log. Returns how many have their own line.
async fn own_lines_of(logs: &Logs, code: &str, answers: usize) -> usize {
    until("each answer is in the log", async || {
        let (own, together) = lines_and_counts(logs, code);
        assert!(own as u64 + together <= answers as u64, "one is in the log twice");
        own as u64 + together == answers as u64
    })
    .await;
    lines_and_counts(logs, code).0
}

#[tokio::test]
async fn refusals_by_a_limit_share_log_lines() {
    let clock = Clock::system();
    let one_failure = RateLimit(Some("1/86400".parse().expect("a quota")));
    let settings = ServerSettings { failed_auth_limit: one_failure, ..unlimited() };
    let app = App::with_settings(postgres::migrated().await, clock, &settings).await;
    let logs = Logs::catch("info");
    // Well-formed secrets that do not exist: only a look-up finds out.
    let guess = || {
        let request = Request::get(PAYMENTS).header("x-api-key", "ub_key_3SnR2GEOoPd9KTTzvEcYS0DmMnfe22Zs23y1uZ");
        request.header("x-connection-token", "ub_conn_bMwvVohreKpLFs0kgRO6gEaX1XRPTKQX0aUdYH")
    };
    let refused = async || app.send(guess().body(Body::empty()).expect("a request")).await.status;
    assert_eq!(refused().await, 401);
    for _ in 0..1_000 {
        assert_eq!(refused().await, 429);
    }
    let own = own_lines_of(&logs, "too_many_failures", 1_000).await;
    assert!(own > 0, "the first refusals have their own line");
    assert!(own < 100, "{own} lines");
}

#[tokio::test]
async fn unauthenticated_answers_have_bounded_log_lines() {
    let app = App::new().await;
    let logs = Logs::catch("info");
    for _ in 0..1_500 {
        app.send(Request::get("/nowhere").body(Body::empty()).expect("a request")).await;
    }
    let own = own_lines_of(&logs, "route_not_found", 1_500).await;
    assert!((100..1_500).contains(&own), "{own} lines");
}

#[tokio::test]
async fn authenticated_requests_have_a_log_line_each() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let logs = Logs::catch("info");
    for _ in 0..150 {
        app.create(&tenant, &json!({ "currency": "EURO" })).await;
    }
    assert_eq!(lines_and_counts(&logs, "invalid_body"), (150, 0));
}

/// The test below runs this as a separate process, because logging as in `serve` applies to a whole process.
#[tokio::test]
#[ignore = "not a test: a process that another test starts"]
async fn server_that_panics() {
    let _logging = telemetry::init("trace", LogFormat::Json).expect("logs");
    let handler = get(async || -> &'static str { panic!("the reason") });
    let router = layers::wrap(
        Router::new().route("/", handler),
        &layers::Options { request_timeout: Duration::from_mins(1), ..layers::Options::default() },
        LoadShed::new(1),
    );
    let request = Request::get("/").header("x-request-id", "panicked-here").body(Body::empty()).expect("a request");
    assert_eq!(router.oneshot(request).await.expect("answered").status(), 500);
}

#[test]
fn panic_is_logged_once_with_message_and_request_id() {
    let server = Command::new(std::env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "--nocapture", "logs::server_that_panics"])
        .output()
        .expect("a process");
    let log = String::from_utf8(server.stderr).expect("UTF-8");
    assert!(server.status.success(), "{log}");
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let failures: Vec<_> = lines.iter().filter(|line| line["level"] == "ERROR").collect();
    let [failure] = failures[..] else { panic!("{} errors: {log}", failures.len()) };
    assert_eq!(failure["span"]["request_id"], "panicked-here");
    assert!(failure.to_string().contains("tests/api/logs.rs"), "the line has the place of the panic: {failure}");
    assert_eq!(log.matches("the reason").count(), 1, "{log}");
    assert_eq!(with_message(&lines, "answered").len(), 1);
}

#[tokio::test]
async fn no_secret_query_or_body_is_logged_at_any_level() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let mut connection = app.connect().await;
    let strict = "alter table payment add constraint payment_mine check (type <> 'marker-refused')";
    sqlx::query(strict).execute(&mut connection).await.expect("altered");
    drop(connection);

    let logs = Logs::catch("trace");
    let body = |kind: &str| {
        json!({
            "type": kind, "total_amount": 987_654_321, "exchange_rate": "1.23456789",
            "line_items": [{ "name": "marker-name" }], "field_mappings": { "marker-field": "marker-value" },
            "marker-unknown": 1,
        })
    };
    assert_eq!(app.create_under(&tenant, "marker-key", &body("marker-type")).await.status, 201);
    assert_eq!(app.create_under(&tenant, "marker-key", &body("marker-type")).await.status, 201);
    assert_eq!(app.create_under(&tenant, "marker-key", &body("marker-other")).await.status, 422);
    assert_eq!(app.create(&tenant, &body("marker-refused")).await.status, 500);
    assert_eq!(app.create(&tenant, &json!({ "currency": "marker-currency" })).await.status, 422);
    assert_eq!(app.create_with(&tenant, &[], "{\"marker-broken").await.status, 400);
    assert_eq!(app.create_with(&tenant, &[("idempotency-key", "\"marker-malformed")], "{}").await.status, 400);
    assert_eq!(app.get(&tenant, &format!("{PAYMENTS}?type=marker-filter")).await.status, 200);
    assert_eq!(app.get(&tenant, &format!("{PAYMENTS}?marker-parameter=1&cursor=marker-cursor")).await.status, 422);
    let mistyped = [&tenant.api_key, "x"].concat();
    let request = Request::get(PAYMENTS).header("x-api-key", &mistyped).header("x-request-id", "marker bad id");
    assert_eq!(app.send(request.body(Body::empty()).expect("a request")).await.status, 401);
    app.authenticator.flush_last_used().await.expect("flushed");

    let text = logs.text();
    assert!(text.contains("sqlx::query"), "trace level was on");
    let secrets = [&tenant.api_key[7..], &tenant.connection_token[8..], "marker", "987654321", "1.23456789"];
    for secret in secrets {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} was logged");
    }
}

#[tokio::test]
async fn reading_takes_one_query_for_any_page_size() {
    let app = App::new_at_noon().await;
    let tenant = app.tenant().await;
    let mut id = String::new();
    for _ in 0..9 {
        let answer = app.create(&tenant, &crate::support::app::page_example()).await;
        id = answer.json()["id"].as_str().expect("an id").to_owned();
    }
    let queries = async |path: &str| {
        let logs = Logs::catch("sqlx::query=debug");
        assert_eq!(app.get(&tenant, path).await.status, 200);
        logs.lines().iter().filter(|line| line["target"] == "sqlx::query").count()
    };
    for limit in [1, 5, 200] {
        assert_eq!(queries(&format!("{PAYMENTS}?limit={limit}")).await, 1, "limit {limit}");
    }
    assert_eq!(queries(&format!("{PAYMENTS}/{id}")).await, 1);
}

#[tokio::test]
async fn concurrent_requests_of_a_caller_share_one_look_up() {
    let app = App::new_at_noon().await;
    let tenant = app.tenant().await;
    let logs = Logs::catch("sqlx::query=debug");
    let list = || app.get(&tenant, PAYMENTS);
    let answers = tokio::join!(list(), list(), list(), list());
    assert_eq!([answers.0, answers.1, answers.2, answers.3].map(|answer| answer.status.as_u16()), [200; 4]);
    assert_eq!(logs.lines().iter().filter(|line| line["target"] == "sqlx::query").count(), 1 + 4);
}

#[tokio::test]
async fn create_takes_one_statement_besides_the_look_up() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let logs = Logs::catch("sqlx::query=debug");
    app.create_under(&tenant, "key", &crate::support::app::page_example()).await;
    let lines = logs.lines();
    // The writer's new session first reads the database's clock.
    let is_clock = |line: &Value| line.to_string().contains("extract(epoch from clock_timestamp())");
    let queries = lines.iter().filter(|line| line["target"] == "sqlx::query" && !is_clock(line));
    assert_eq!(queries.count(), 2, "{lines:#?}");
}
