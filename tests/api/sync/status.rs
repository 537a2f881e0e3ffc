//! `GET /sync/status` and `POST /sync/resync`.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use unibooks::auth::secret;
use unibooks::domain::references::Resource;
use unibooks::domain::{ApiKeyScope, ApiKeyScopes};
use uuid::Uuid;

use super::connected;
use crate::accounting::payments::isolation::{distinguishing_parts, never_stored};
use crate::support::app::{Answer, App, CredentialOptions, Tenant};
use crate::support::software::{Books, connect, pull_once};

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
    assert_eq!(json!(of(&before, "id_connection")), json!(vec![tenant.connection_id; names.len()]));
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

/// A call with the key alone.
async fn by_key(app: &App, tenant: &Tenant, method: Method, path: &str) -> Answer {
    let request = Request::builder().method(method).uri(path).header("x-api-key", &tenant.api_key);
    app.send(request.body(Body::empty()).expect("a request")).await
}

/// Another connection of the tenant's project.
async fn second_connection(app: &App, tenant: &Tenant) -> Tenant {
    let (connection_id, connection_token) = app.connection(tenant.project_id, CredentialOptions::default()).await;
    Tenant { connection_id, connection_token, ..tenant.clone() }
}

/// The connections of which a status has the resources, in its order.
fn connections_of(status: &Value) -> Vec<Value> {
    let mut ids: Vec<_> =
        status["data"].as_array().expect("data").iter().map(|resource| resource["id_connection"].clone()).collect();
    ids.dedup();
    ids
}

#[tokio::test]
async fn without_a_token_the_status_is_that_of_all_connections() {
    let (app, tenant) = connected().await;
    let tenant = manager(&app, &tenant).await;
    let second = second_connection(&app, &tenant).await;
    connect(&app, &second).await;
    let revoked = second_connection(&app, &tenant).await;
    connect(&app, &revoked).await;
    app.revoke_connection(revoked.connection_id).await;
    second_connection(&app, &tenant).await;
    let foreign = app.tenant().await;
    connect(&app, &foreign).await;
    pull_once(&app, &second, &Books::default()).await.expect("complete");
    let status = by_key(&app, &tenant, Method::GET, "/sync/status").await.json();
    assert_eq!(connections_of(&status), [json!(second.connection_id), json!(tenant.connection_id)]);
    assert_eq!((&status["data"][0]["status"], &status["data"][7]["status"]), (&json!("done"), &json!("pending")));
    let own = app.get(&tenant, "/sync/status").await.json();
    assert_eq!(connections_of(&own), [json!(tenant.connection_id)]);
    assert_eq!(status["next_sync_at"], own["next_sync_at"], "the first of both");
    assert_eq!(by_key(&app, &tenant, Method::GET, "/sync/status/accounting").await.json(), status);
}

#[tokio::test]
async fn without_a_token_all_connections_are_read_again() {
    let (app, tenant) = connected().await;
    let tenant = manager(&app, &tenant).await;
    let (second, foreign) = (second_connection(&app, &tenant).await, app.tenant().await);
    let revoked = second_connection(&app, &tenant).await;
    for other in [&second, &foreign, &revoked] {
        connect(&app, other).await;
    }
    app.revoke_connection(revoked.connection_id).await;
    let mut session = app.connect().await;
    let asked = async |session: &mut sqlx::PgConnection| {
        let query = "select connection_id from pull where requested_at is not null order by connection_id";
        sqlx::query_scalar::<_, Uuid>(query).fetch_all(session).await.expect("rows")
    };
    assert_eq!(resync(&app, &second).await.status, 201);
    assert_eq!(asked(&mut session).await, [second.connection_id.0], "a token asks for its own connection");
    let first = by_key(&app, &tenant, Method::POST, "/sync/resync").await;
    assert_eq!(first.status, 201, "{}", first.text);
    let first = first.json();
    assert_eq!((&first["provider"], &first["status"]), (&json!("tryton"), &Value::Null));
    let mut both = [tenant.connection_id.0, second.connection_id.0];
    both.sort();
    assert_eq!(asked(&mut session).await, both);
    assert_eq!(by_key(&app, &tenant, Method::POST, "/sync/resync").await.json(), first, "the same request");
    let odoo = "update connection set provider = 'odoo' where id = $1";
    sqlx::query(odoo).bind(second.connection_id.0).execute(&mut session).await.expect("changed");
    let mixed = by_key(&app, &tenant, Method::POST, "/sync/resync").await.json();
    assert_eq!(mixed["provider"], Value::Null);
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
