//! Calls with an API key alone: who may make them, and whose endpoints they reach.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use unibooks::auth::secret;
use unibooks::domain::{ApiKeyScope, ApiKeyScopes};
use uuid::Uuid;

use super::{Project, WEBHOOKS, body, path_of};
use crate::accounting::payments::isolation::{distinguishing_parts, is_key_only, never_stored, operations};
use crate::support::app::{Answer, App, CredentialOptions};

/// The route, its scope, its answer about the caller's own endpoint, and about another project's. A route that the
/// OpenAPI document has and this table has not fails the first test.
const ROUTES: &[(&str, &str, u16, Option<u16>)] = &[
    ("GET /webhooks", "webhooks:read", 200, None),
    // What a token changes is in sync/status.rs, created_connections.rs, feed.rs and stream.rs.
    ("GET /sync/status", "connections:read", 200, None),
    ("GET /sync/status/{vertical}", "connections:read", 200, None),
    // No connection here has software.
    ("POST /sync/resync", "connections:write", 409, None),
    ("GET /events", "webhooks:read", 200, None),
    ("GET /webhooks/events", "webhooks:read", 200, None),
    ("GET /webhooks/events/stream", "webhooks:read", 200, None),
    ("GET /webhooks/{id}", "webhooks:read", 200, Some(404)),
    ("PUT /webhooks/{id}", "webhooks:write", 201, Some(404)),
    ("POST /webhooks", "webhooks:write", 201, None),
    ("POST /webhooks/verifyEvent", "webhooks:read", 400, None),
    ("POST /webhooks/{id}/secret/rotate", "webhooks:write", 201, Some(404)),
    ("GET /webhooks/{id}/attempts", "webhooks:read", 200, Some(404)),
    ("POST /webhooks/{id}/replay", "webhooks:write", 202, Some(404)),
    ("POST /webhooks/{id}/test", "webhooks:write", 200, Some(404)),
    // The id is that of an event, and there is none.
    ("POST /webhooks/events/{id}/resend", "webhooks:write", 404, Some(404)),
    ("DELETE /webhooks/{id}", "webhooks:write", 201, Some(404)),
];

#[test]
fn every_route_with_a_key_alone_has_its_row_and_scope() {
    let mut rows: Vec<_> = ROUTES.iter().map(|(route, scope, ..)| ((*route).to_owned(), json!([scope]))).collect();
    rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    let documented = operations().into_iter().filter(|(_, operation)| is_key_only(operation));
    let mut documented: Vec<_> =
        documented.map(|(route, operation)| (route, operation["security"][0]["api_key"].clone())).collect();
    documented.sort_by(|(one, _), (other, _)| one.cmp(other));
    assert_eq!(rows, documented);
}

async fn ask(app: &App, route: &str, id: &str, secrets: [(&str, Option<&str>); 2]) -> Answer {
    let (method, path) = route.split_once(' ').expect("a route");
    let body = match route {
        "POST /webhooks" => body(),
        "POST /webhooks/verifyEvent" => json!({ "payload": { "data": 1 }, "signature": "00", "secret": "whsec_" }),
        "PUT /webhooks/{id}" => json!({ "active": false }),
        "POST /webhooks/{id}/replay" => json!({ "only": "all" }),
        _ => Value::Null,
    };
    let method: Method = method.parse().expect("a method");
    let mut request =
        Request::builder().method(method).uri(path.replace("{id}", id).replace("{vertical}", "accounting"));
    for (name, secret) in secrets {
        if let Some(secret) = secret {
            request = request.header(name, secret);
        }
    }
    let body = if body.is_null() { Body::empty() } else { body.to_string().into() };
    app.send(request.header("content-type", "application/json").body(body).expect("a request")).await
}

#[tokio::test]
async fn endpoint_of_another_project_is_like_none() {
    let app = App::new().await;
    let (mine, theirs) = (Project::new(&app).await, Project::new(&app).await);
    let own = mine.create().await;
    let foreign = theirs.create().await;
    let before = theirs.call("GET", WEBHOOKS).await.text;
    for (route, _, status, of_foreign) in ROUTES {
        let call = async |id: &Value| {
            let secrets = [("x-api-key", Some(mine.key.as_str())), ("x-connection-token", None)];
            ask(&app, route, id.as_str().expect("an id"), secrets).await
        };
        let unknown = call(&json!(Uuid::now_v7())).await;
        let answer = call(&foreign["id_webhook_endpoint"]).await;
        assert_eq!(answer.status.as_u16(), of_foreign.unwrap_or(*status), "{route}: {}", answer.text);
        if of_foreign.is_some() {
            assert_eq!(distinguishing_parts(&answer), distinguishing_parts(&unknown), "{route}");
        }
        assert!(!answer.text.contains(&theirs.id.to_string()), "{route}: {}", answer.text);
        let own = call(&own["id_webhook_endpoint"]).await;
        assert_eq!(own.status.as_u16(), *status, "{route}: {}", own.text);
    }
    assert_eq!(theirs.call("GET", WEBHOOKS).await.text, before);
}

#[tokio::test]
async fn key_needs_the_scope_of_the_route() {
    let app = App::new().await;
    let project = Project::new(&app).await;
    let tenant = app.tenant().await;
    let created = project.create().await;
    let id = created["id_webhook_endpoint"].as_str().expect("an id");
    let revoked = app.key(project.id, CredentialOptions::default()).await;
    app.revoke_key(revoked.0).await;
    let unknown = never_stored(secret::Kind::ApiKey);
    for (route, scope, ..) in ROUTES {
        let others: ApiKeyScopes = ApiKeyScope::ALL.iter().copied().filter(|other| other.as_str() != *scope).collect();
        let (_, key) = app.key(project.id, CredentialOptions { scopes: others, expires_at: None }).await;
        let answer = ask(&app, route, id, [("x-api-key", Some(&key)), ("x-connection-token", None)]).await;
        assert_eq!(answer.problem(), (403, "missing_scope".to_owned()), "{route}");
        assert!(answer.text.contains(&format!("`{scope}`")), "{route}: {}", answer.text);
        let wrong_token = Some(tenant.connection_token.as_str());
        for (key, token) in [
            (None, None),
            (Some(unknown.as_str()), None),
            (Some(revoked.1.as_str()), None),
            (Some("ub_key_"), None),
            // A token is not needed, but a wrong one is not overlooked.
            (Some(project.key.as_str()), wrong_token),
        ] {
            let answer = ask(&app, route, id, [("x-api-key", key), ("x-connection-token", token)]).await;
            assert_eq!(answer.problem(), (401, "unauthenticated".to_owned()), "{route}");
        }
    }
    let read = project.call("GET", &path_of(&created)).await.json();
    assert_eq!(read["last_update"], created["last_update"], "no refused call has changed anything");
}
