//! Authentication: an API key and a connection token of the same project, neither revoked nor expired.

use axum::body::Body;
use axum::http::{Method, Request};
use chrono::{DateTime, TimeDelta, Utc};
use insta::assert_json_snapshot;
use serde_json::json;
use unibooks::auth::{Secret, secret};
use unibooks::domain::{ApiKeyScopes, Clock};

use crate::support::app::{Answer, App, CredentialOptions, PAYMENTS, Tenant, small_payment};

/// No payment has this id.
const UNKNOWN: &str = "0197a3c2-5b7e-7c40-8a51-3f0b6a9d2e11";
const NOON: i64 = 1_718_452_800;

/// Some seconds after noon of 2024-06-15, in UTC.
fn noon(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(NOON + seconds, 0).expect("in range")
}

fn generated(kind: secret::Kind) -> String {
    Secret::generate(kind, &mut rand::rng()).expose().to_owned()
}

/// A list call with exactly these headers.
async fn call(app: &App, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(PAYMENTS);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(Body::empty()).expect("a request")).await
}

async fn call_with(app: &App, key: &str, token: &str) -> Answer {
    call(app, &[("x-api-key", key), ("x-connection-token", token)]).await
}

#[track_caller]
fn assert_refused(answer: &Answer, faults: &[(&str, &str)]) {
    assert_eq!(answer.status, 401, "{}", answer.text);
    let challenge = "ApiKey realm=\"unibooks\", header=\"x-api-key, x-connection-token\"";
    assert_eq!(answer.header("www-authenticate"), challenge);
    let found = answer.faults();
    let found: Vec<_> = found.iter().map(|(header, code)| (header.as_str(), code.as_str())).collect();
    assert_eq!(found, faults);
}

#[tokio::test]
async fn both_missing_headers_are_named_at_once() {
    let app = App::new().await;
    let answer = call(&app, &[]).await;
    assert_refused(&answer, &[("x-api-key", "missing"), ("x-connection-token", "missing")]);
    assert_json_snapshot!(answer.json(), { ".request_id" => "…" }, @r#"
    {
      "code": "unauthenticated",
      "detail": "Send an API key in `x-api-key` and the token of a connection of the same project in `x-connection-token`; see `errors`.",
      "errors": [
        {
          "code": "missing",
          "detail": "the header is missing, empty or appears more than once",
          "header": "x-api-key"
        },
        {
          "code": "missing",
          "detail": "the header is missing, empty or appears more than once",
          "header": "x-connection-token"
        }
      ],
      "instance": "/accounting/payments",
      "request_id": "…",
      "retryable": false,
      "status": 401,
      "title": "Missing or invalid credentials",
      "type": "urn:unibooks:problem:unauthenticated"
    }
    "#);
}

#[tokio::test]
async fn one_missing_header_is_refused_with_any_other() {
    let app = App::new().await;
    let Tenant { api_key, connection_token, .. } = app.tenant().await;
    assert_refused(&call(&app, &[("x-api-key", &api_key)]).await, &[("x-connection-token", "missing")]);
    assert_refused(&call(&app, &[("x-connection-token", &connection_token)]).await, &[("x-api-key", "missing")]);
    assert_refused(&call_with(&app, &api_key, "").await, &[("x-connection-token", "missing")]);
    let twice = [("x-api-key", api_key.as_str()), ("x-api-key", &api_key), ("x-connection-token", &connection_token)];
    assert_refused(&call(&app, &twice).await, &[("x-api-key", "missing")]);
}

#[tokio::test]
async fn malformed_secret_is_refused_without_the_database() {
    let app = App::new().await;
    let Tenant { api_key, connection_token, .. } = app.tenant().await;
    // A request that asked the database would now get a 503.
    app.database.close().await;
    let last = if api_key.ends_with('0') { "1" } else { "0" };
    let mistyped = format!("{}{last}", &api_key[..api_key.len() - 1]);
    for key in [mistyped.as_str(), &api_key[..20], &format!("{api_key}x"), &connection_token, "ü", "' or true --", "x"]
    {
        assert_refused(&call_with(&app, key, &connection_token).await, &[("x-api-key", "malformed")]);
        let both = [("x-api-key", "malformed"), ("x-connection-token", "malformed")];
        assert_refused(&call_with(&app, key, &api_key).await, &both);
    }
    let answer = call_with(&app, &mistyped, &connection_token).await;
    assert_json_snapshot!(answer.json(), { ".request_id" => "…" }, @r#"
    {
      "code": "unauthenticated",
      "detail": "Send an API key in `x-api-key` and the token of a connection of the same project in `x-connection-token`; see `errors`.",
      "errors": [
        {
          "code": "malformed",
          "detail": "not a whole API key; it begins with `ub_key_` and may have lost characters",
          "header": "x-api-key"
        }
      ],
      "instance": "/accounting/payments",
      "request_id": "…",
      "retryable": false,
      "status": 401,
      "title": "Missing or invalid credentials",
      "type": "urn:unibooks:problem:unauthenticated"
    }
    "#);

    let well_formed = call_with(&app, &api_key, &connection_token).await;
    assert_eq!(well_formed.status, 503, "{}", well_formed.text);
    assert_eq!(well_formed.header("retry-after"), "1");
}

#[tokio::test]
async fn unknown_key_is_refused_without_a_word_on_the_token() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let key = generated(secret::Kind::ApiKey);
    let answer = call_with(&app, &key, &tenant.connection_token).await;
    assert_refused(&answer, &[("x-api-key", "unknown")]);
    assert_json_snapshot!(answer.json()["errors"], @r#"
    [
      {
        "code": "unknown",
        "detail": "no such API key",
        "header": "x-api-key"
      }
    ]
    "#);
    assert_refused(
        &call_with(&app, &key, &generated(secret::Kind::ConnectionToken)).await,
        &[("x-api-key", "unknown")],
    );
}

#[tokio::test]
async fn foreign_token_is_refused_like_an_unknown_one() {
    let app = App::new().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let body = async |token: &str| {
        let answer = call_with(&app, &tenant.api_key, token).await;
        assert_refused(&answer, &[("x-connection-token", "unknown")]);
        let mut body = answer.json();
        body["request_id"].take();
        body
    };
    let unknown = body(&generated(secret::Kind::ConnectionToken)).await;
    assert_eq!(body(&other.connection_token).await, unknown);
    app.revoke_connection(other.connection_id).await;
    assert_eq!(body(&other.connection_token).await, unknown, "a revocation is not shown either");
    assert_json_snapshot!(unknown["errors"], @r#"
    [
      {
        "code": "unknown",
        "detail": "no such connection token in the project of this API key",
        "header": "x-connection-token"
      }
    ]
    "#);
}

#[tokio::test]
async fn revoked_key_and_token_are_refused() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let (key_id, other_key) = app.key(tenant.project_id, CredentialOptions::default()).await;
    assert_eq!(call_with(&app, &other_key, &tenant.connection_token).await.status, 200);
    app.revoke_key(key_id).await;
    let revoked = Tenant { api_key: other_key, ..tenant.clone() };
    assert_refused(&app.poll_until_refused(&revoked).await, &[("x-api-key", "revoked")]);
    assert_eq!(app.get(&tenant, PAYMENTS).await.status, 200, "the other key of the project still works");
    app.revoke_connection(tenant.connection_id).await;
    let answer = app.poll_until_refused(&tenant).await;
    assert_refused(&answer, &[("x-connection-token", "revoked")]);
    assert_json_snapshot!(answer.json()["errors"], @r#"
    [
      {
        "code": "revoked",
        "detail": "this connection token was revoked",
        "header": "x-connection-token"
      }
    ]
    "#);
}

#[tokio::test]
async fn keys_and_tokens_expire_at_their_exact_time() {
    let app = App::with_clock(Clock::new(|| noon(0))).await;
    let like = |seconds| CredentialOptions { expires_at: Some(noon(seconds)), ..CredentialOptions::default() };
    let tenant = app.tenant_like(like(1), like(1)).await;
    assert_eq!(app.get(&tenant, PAYMENTS).await.status, 200, "a second before their end");
    let tenant = app.tenant_like(like(0), CredentialOptions::default()).await;
    assert_refused(&app.get(&tenant, PAYMENTS).await, &[("x-api-key", "expired")]);
    let tenant = app.tenant_like(CredentialOptions::default(), like(0)).await;
    assert_refused(&app.get(&tenant, PAYMENTS).await, &[("x-connection-token", "expired")]);
    assert_eq!(app.create(&tenant, &small_payment()).await.status, 401);
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn read_only_key_reads_and_does_not_write() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let (_, api_key) = app
        .key(
            tenant.project_id,
            CredentialOptions { scopes: ApiKeyScopes::PAYMENTS_READ, ..CredentialOptions::default() },
        )
        .await;
    let id = app.create(&tenant, &small_payment()).await.json()["id"].as_str().expect("an id").to_owned();
    let reader = Tenant { api_key, ..tenant };
    assert_eq!(app.get(&reader, PAYMENTS).await.status, 200);
    assert_eq!(app.get(&reader, &format!("{PAYMENTS}/{id}")).await.status, 200);
    let answer = app.create(&reader, &small_payment()).await;
    assert_eq!(answer.status, 403);
    assert_eq!(app.count().await, 1);
    assert_json_snapshot!(answer.json(), { ".request_id" => "…" }, @r#"
    {
      "code": "read_only_key",
      "detail": "This call needs the scope `payments:write`, and this API key has `payments:read` only. Use a key that was created without `--read-only`.",
      "instance": "/accounting/payments",
      "request_id": "…",
      "retryable": false,
      "status": 403,
      "title": "Read-only API key",
      "type": "urn:unibooks:problem:read_only_key"
    }
    "#);
}

#[tokio::test]
async fn key_without_the_scope_of_a_call_learns_which_it_lacks() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let with =
        |names: &[&str]| CredentialOptions { scopes: ApiKeyScopes::of_names(names), ..CredentialOptions::default() };
    let (_, api_key) = app.key(tenant.project_id, with(&["payments:write"])).await;
    let writer = Tenant { api_key, ..tenant.clone() };
    assert_eq!(app.create(&writer, &small_payment()).await.status, 201);
    let answer = app.get(&writer, PAYMENTS).await;
    assert_json_snapshot!(answer.json(), { ".request_id" => "…" }, @r#"
    {
      "code": "missing_scope",
      "detail": "This call needs the scope `payments:read`. Use an API key that has it.",
      "instance": "/accounting/payments",
      "request_id": "…",
      "retryable": false,
      "status": 403,
      "title": "Missing API key scope",
      "type": "urn:unibooks:problem:missing_scope"
    }
    "#);

    let (_, api_key) = app.key(tenant.project_id, with(&["accounting:read", "webhooks:write"])).await;
    let other = Tenant { api_key, ..tenant };
    assert_eq!(app.create(&other, &small_payment()).await.problem(), (403, "missing_scope".to_owned()));
    assert_eq!(app.count().await, 1);
}

#[tokio::test]
async fn caller_is_refused_before_the_body_is_parsed() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    app.revoke_key(tenant.api_key_id).await;
    assert_refused(&app.create_with(&tenant, &[], "{").await, &[("x-api-key", "revoked")]);
    let bare = Request::builder().method(Method::POST).uri(PAYMENTS).body(Body::from("{")).expect("a request");
    assert_eq!(app.send(bare).await.status, 401);
}

#[tokio::test]
async fn errors_never_contain_the_key_or_token() {
    let app = App::new().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let (id, revoked) = app.connection(tenant.project_id, CredentialOptions::default()).await;
    app.revoke_connection(id).await;
    let mut answers = vec![
        app.get(&tenant, &format!("{PAYMENTS}/{UNKNOWN}")).await,
        app.create(&tenant, &json!({ "currency": 1 })).await,
        app.get(&tenant, &format!("{PAYMENTS}?nonsense=1")).await,
    ];
    for connection_token in ["secret-but-malformed".to_owned(), other.connection_token, revoked] {
        let caller = Tenant { connection_token: connection_token.clone(), ..tenant.clone() };
        let answer = app.get(&caller, &format!("{PAYMENTS}/{UNKNOWN}")).await;
        assert!(!answer.text.contains(&connection_token), "{}", answer.text);
        answers.push(answer);
    }
    for answer in answers {
        assert!(answer.status.is_client_error());
        let everything = format!("{} {:?}", answer.text, answer.headers);
        for secret in [&tenant.api_key, &tenant.connection_token] {
            assert!(!everything.contains(secret), "{everything}");
        }
    }
}

/// The caller's rows of key and connection. `xmin` is Postgres' own column that changes with every write.
async fn rows(app: &App, tenant: &Tenant) -> Vec<(String, Option<DateTime<Utc>>)> {
    let mut connection = app.connect().await;
    sqlx::query_as(
        "select xmin::text, last_used_at from api_key where id = $1
         union all select xmin::text, last_used_at from connection where id = $2",
    )
    .bind(tenant.api_key_id.0)
    .bind(tenant.connection_id.0)
    .fetch_all(&mut connection)
    .await
    .expect("rows")
}

#[tokio::test]
async fn last_use_is_written_by_the_flush_not_by_requests() {
    let app = App::with_clock(Clock::new(|| noon(0))).await;
    let (tenant, refused) = (app.tenant().await, app.tenant().await);
    let before = rows(&app, &tenant).await;
    for _ in 0..3 {
        assert_eq!(app.get(&tenant, PAYMENTS).await.status, 200);
    }
    assert_eq!(rows(&app, &tenant).await, before, "no request wrote");
    assert_eq!(call_with(&app, &refused.api_key, &tenant.connection_token).await.status, 401);

    app.authenticator.flush_last_used().await.expect("flushed");
    let used: Vec<_> = rows(&app, &tenant).await.into_iter().map(|(_, at)| at).collect();
    assert_eq!(used, [Some(noon(0)); 2]);
    let unused: Vec<_> = rows(&app, &refused).await.into_iter().map(|(_, at)| at).collect();
    assert_eq!(unused, [None; 2], "a refused caller has not used its key");

    let flushed = rows(&app, &tenant).await;
    app.authenticator.flush_last_used().await.expect("flushed");
    assert_eq!(rows(&app, &tenant).await, flushed, "nothing new, nothing written");
}

#[tokio::test]
async fn flush_never_moves_the_last_use_back() {
    let app = App::with_clock(Clock::new(|| noon(0))).await;
    let tenant = app.tenant().await;
    let other = App::on(app.options.clone(), Clock::new(|| noon(0) + TimeDelta::hours(1))).await;
    app.get(&tenant, PAYMENTS).await;
    other.get(&tenant, PAYMENTS).await;
    other.authenticator.flush_last_used().await.expect("flushed");
    app.authenticator.flush_last_used().await.expect("flushed");
    assert!(rows(&app, &tenant).await.iter().all(|(_, at)| *at == Some(noon(3600))));
}
