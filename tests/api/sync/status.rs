//! `GET /sync/status` and `POST /sync/resync`.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};
use unibooks::auth::secret;
use unibooks::domain::references::Resource;
use unibooks::domain::{ApiKeyScope, ApiKeyScopes};

use super::connected;
use crate::accounting::payments::isolation::{distinguishing_parts, never_stored};
use crate::support::app::{Answer, App, CredentialOptions, Tenant};
use crate::support::software::{Books, connect, pull_once};

/// The routes, with what a request can contain that is foreign: demanded by the OpenAPI document.
pub fn rows() -> Vec<(String, String)> {
    let rows = [
        ("GET /sync/status", &["key", "token"][..]),
        ("GET /sync/status/{vertical}", &["key", "token", "vertical"]),
        ("POST /sync/resync", &["key", "token"]),
    ];
    rows.into_iter()
        .flat_map(|(route, whats)| whats.iter().map(|what| (route.to_owned(), (*what).to_owned())))
        .collect()
}

/// The tenant with a key that may read and change connections.
async fn manager(app: &App, tenant: &Tenant) -> Tenant {
    let scopes: ApiKeyScopes = [ApiKeyScope::ConnectionsRead, ApiKeyScope::ConnectionsWrite].into_iter().collect();
    let (_, api_key) = app.key(tenant.project_id, CredentialOptions { scopes, expires_at: None }).await;
    Tenant { api_key, ..tenant.clone() }
}

async fn resync(app: &App, tenant: &Tenant) -> Answer {
    app.send(tenant.request(Method::POST, "/sync/resync").body(Body::empty()).expect("a request")).await
}

#[tokio::test]
async fn status_names_every_resource_before_and_after_a_pull() {
    let (app, tenant) = connected().await;
    let tenant = manager(&app, &tenant).await;
    let before = app.get(&tenant, "/sync/status").await.json();
    let names: Vec<_> = Resource::ALL.iter().map(|resource| resource.as_str()).chain(["payment"]).collect();
    let of = |answer: &Value, member: &str| {
        answer["data"].as_array().expect("data").iter().map(|status| status[member].clone()).collect::<Vec<_>>()
    };
    assert_eq!(json!(of(&before, "resource")), json!(names));
    assert_eq!(json!(of(&before, "status")), json!(vec!["pending"; names.len()]));
    assert_eq!(json!(of(&before, "initial")), json!(vec![true; names.len()]));
    pull_once(&app, &tenant, &Books::default()).await.expect("complete");
    let after = app.get(&tenant, "/sync/status").await.json();
    assert_eq!(json!(of(&after, "status")), json!(vec!["done"; names.len()]));
    assert_eq!(json!(of(&after, "initial")), json!(vec![false; names.len()]));
    assert!(after["next_sync_at"].is_string());
    assert_eq!(app.get(&tenant, "/sync/status/accounting").await.json(), after);
    let other = app.get(&tenant, "/sync/status/crm").await;
    assert_eq!((other.status.as_u16(), other.json()), (200, json!({ "next_sync_at": null, "data": [] })));
}

#[tokio::test]
async fn resync_is_one_request_a_minute() {
    let (app, tenant) = connected().await;
    let tenant = manager(&app, &tenant).await;
    let first = resync(&app, &tenant).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let body = first.json();
    assert_eq!(
        body,
        json!({ "timestamp": body["timestamp"], "vertical": "accounting", "provider": "tryton", "status": null })
    );
    assert_eq!(resync(&app, &tenant).await.json(), body, "the same request");
    let mut session = app.connect().await;
    sqlx::query("update pull set requested_at = now() - interval '61 seconds', due_at = now() + interval '15 minutes'")
        .execute(&mut session)
        .await
        .expect("a minute later");
    assert_ne!(resync(&app, &tenant).await.json()["timestamp"], body["timestamp"]);
    let is_due: bool =
        sqlx::query_scalar("select due_at <= now() from pull").fetch_one(&mut session).await.expect("a row");
    assert!(is_due);
}

#[tokio::test]
async fn connection_without_software_has_nothing_to_read() {
    let app = App::new().await;
    let tenant = manager(&app, &app.tenant().await).await;
    assert_eq!(app.get(&tenant, "/sync/status").await.json(), json!({ "next_sync_at": null, "data": [] }));
    assert_eq!(resync(&app, &tenant).await.problem(), (409, "no_software".to_owned()));
}

#[tokio::test]
async fn key_without_the_scope_is_refused() {
    let (app, tenant) = connected().await;
    for (answer, scope) in [
        (app.get(&tenant, "/sync/status").await, "connections:read"),
        (app.get(&tenant, "/sync/status/accounting").await, "connections:read"),
        (resync(&app, &tenant).await, "connections:write"),
    ] {
        assert_eq!(answer.problem(), (403, "missing_scope".to_owned()));
        assert!(answer.text.contains(scope), "{}", answer.text);
    }
}

#[tokio::test]
async fn foreign_credentials_are_like_unknown_ones() {
    let (app, owner) = connected().await;
    let owner = manager(&app, &owner).await;
    let attacker = app.tenant().await;
    connect(&app, &attacker).await;
    let attacker = manager(&app, &attacker).await;
    let never = || never_stored(secret::Kind::ConnectionToken);
    let with_token = |connection_token: String| Tenant { connection_token, ..attacker.clone() };
    let with_key =
        |connection_token: String| Tenant { api_key: owner.api_key.clone(), connection_token, ..attacker.clone() };
    for (foreign, unknown) in [
        (with_token(owner.connection_token.clone()), with_token(never())),
        (with_key(attacker.connection_token.clone()), with_key(never())),
    ] {
        for path in ["/sync/status", "/sync/status/accounting"] {
            let (foreign, unknown) = (app.get(&foreign, path).await, app.get(&unknown, path).await);
            assert_eq!(foreign.status, 401);
            assert_eq!(distinguishing_parts(&foreign), distinguishing_parts(&unknown));
        }
        let (foreign, unknown) = (resync(&app, &foreign).await, resync(&app, &unknown).await);
        assert_eq!(foreign.status, 401);
        assert_eq!(distinguishing_parts(&foreign), distinguishing_parts(&unknown));
    }
    let mut session = app.connect().await;
    let requests: i64 =
        sqlx::query_scalar("select count(requested_at) from pull").fetch_one(&mut session).await.expect("a count");
    assert_eq!(requests, 0, "nothing was asked for");
}
