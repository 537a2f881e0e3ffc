//! Webhook endpoints, created and changed as the client libraries do it.

use serde_json::{Value, json};
use unibooks::domain::Clock;
use unibooks::management::connections::Access;
use unibooks::sync;

use super::{Project, WEBHOOKS, body, path_of};
use crate::support::app::{App, CredentialOptions, remote, unlimited, webhooks};
use crate::support::postgres;

/// An endpoint without what differs between answers.
fn without(endpoint: &Value, names: &[&str]) -> Value {
    let mut endpoint = endpoint.clone();
    let members = endpoint.as_object_mut().expect("an object");
    members.retain(|name, _| !names.contains(&name.as_str()));
    endpoint
}

#[tokio::test]
async fn created_endpoint_is_listed_and_read() {
    let app = App::new_at_noon().await;
    let project = Project::new(&app).await;
    assert_eq!(project.call("GET", WEBHOOKS).await.json(), json!([]));
    let created = project.create().await;
    let secret = created["secret"].as_str().expect("a secret");
    assert!(secret.starts_with("whsec_") && secret.len() == 50, "{created}");
    let expected = json!({
        "url": "http://127.0.0.1:9/hooks", "endpoint_description": "Ledger", "scope": ["*"], "active": true,
        "id_project": project.id.0, "id_connection": null, "payload_format": "standard", "signature": "v1",
        "public_key": null, "previous_secret_until": null, "disabled_reason": null, "disabled_at": null,
        "created_at": "2026-01-01T12:00:00Z", "last_update": "2026-01-01T12:00:00Z", "warnings": [],
    });
    assert_eq!(without(&created, &["id_webhook_endpoint", "secret"]), expected);
    let mut shown = created.clone();
    shown["secret"] = json!("");
    assert_eq!(project.call("GET", WEBHOOKS).await.json(), json!([shown]));
    assert_eq!(project.call("GET", &path_of(&created)).await.json(), shown);
}

#[tokio::test]
async fn public_key_is_shown_where_it_verifies() {
    let app = App::new().await;
    let project = Project::new(&app).await;
    let body = json!({ "url": "http://127.0.0.1:9/", "scope": ["*"], "signature": "v1a", "payload_format": "panora" });
    let created = project.send("POST", WEBHOOKS, &body).await.json();
    let key = created["public_key"].as_str().expect("a key");
    assert!(key.starts_with("whpk_"), "{created}");
    let read = project.call("GET", &path_of(&created)).await.json();
    assert_eq!(without(&read, &["secret"]), without(&created, &["secret"]));
}

#[tokio::test]
async fn update_without_a_body_changes_nothing_and_says_so() {
    let app = App::new().await;
    let project = Project::new(&app).await;
    let created = project.create().await;
    for _ in 0..2 {
        let answer = project.call("PUT", &path_of(&created)).await;
        assert_eq!(answer.status, 201);
        let answer = answer.json();
        assert_eq!(answer["warnings"][0]["code"], "nothing_changed");
        assert_eq!(without(&answer, &["warnings", "secret"]), without(&created, &["warnings", "secret"]));
    }
}

#[tokio::test]
async fn update_changes_what_it_names_and_nothing_else() {
    let app = App::new().await;
    let project = Project::new(&app).await;
    let created = project.create().await;
    let path = path_of(&created);
    let volatile = ["secret", "last_update", "disabled_at", "warnings"];
    let mut expected = without(&created, &volatile);
    for (change, members) in [
        (json!({ "active": false }), json!({ "active": false, "disabled_reason": "paused" })),
        (json!({ "url": "https://127.0.0.1/new" }), json!({ "url": "https://127.0.0.1/new" })),
        (json!({ "scope": ["connection.*", "sync.failed"] }), json!({ "scope": ["connection.*", "sync.failed"] })),
        (json!({ "payload_format": "panora" }), json!({ "payload_format": "panora" })),
        (json!({ "description": "" }), json!({ "endpoint_description": null })),
        (json!({ "description": "New", "url": null }), json!({ "endpoint_description": "New" })),
        (json!({ "active": true }), json!({ "active": true, "disabled_reason": null })),
    ] {
        let answer = project.send("PUT", &path, &change).await;
        assert_eq!(answer.status, 201, "{change}: {}", answer.text);
        for (name, value) in members.as_object().expect("members") {
            expected[name] = value.clone();
        }
        assert_eq!(without(&answer.json(), &volatile), expected, "{change}");
        assert_eq!(without(&project.call("GET", &path).await.json(), &volatile), expected, "{change}");
    }
}

#[tokio::test]
async fn deleted_endpoint_is_answered_once_and_then_unknown() {
    let app = App::new().await;
    let project = Project::new(&app).await;
    let created = project.create().await;
    let answer = project.call("DELETE", &path_of(&created)).await;
    assert_eq!(answer.status, 201);
    assert_eq!(without(&answer.json(), &["secret"]), without(&created, &["secret"]));
    for (method, path) in [
        ("DELETE", path_of(&created)),
        ("GET", path_of(&created)),
        ("PUT", path_of(&created)),
        ("POST", format!("{}/secret/rotate", path_of(&created))),
        ("GET", format!("{WEBHOOKS}/nothing")),
    ] {
        let answer = project.call(method, &path).await;
        assert_eq!(answer.problem(), (404, "webhook_not_found".to_owned()), "{method} {path}");
    }
}

#[tokio::test]
async fn body_that_would_never_fire_is_refused() {
    let app = App::new().await;
    let project = Project::new(&app).await;
    let other = app.tenant().await;
    let url = "https://127.0.0.1/";
    for (body, faults) in [
        (json!({ "url": null, "scope": null }), vec![("/url", "required"), ("/scope", "required")]),
        (json!({ "url": url, "scope": [] }), vec![("/scope", "empty")]),
        (json!({ "url": url, "scope": ["*", "payments"] }), vec![("/scope/1", "unknown_event_type")]),
        (json!({ "url": url, "scope": "*" }), vec![("/scope", "wrong_type")]),
        (
            json!({ "url": url, "scope": ["*"], "payload_format": "xml", "signature": "v2" }),
            vec![("/payload_format", "unknown_payload_format"), ("/signature", "unknown_signature_scheme")],
        ),
        (
            json!({ "url": url, "scope": ["*"], "id_connection": other.connection_id.0 }),
            vec![("/id_connection", "unknown_connection")],
        ),
        (
            json!({ "url": url, "scope": ["*"], "id_connection": uuid::Uuid::now_v7() }),
            vec![("/id_connection", "unknown_connection")],
        ),
    ] {
        let answer = project.send("POST", WEBHOOKS, &body).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text);
        let found = answer.faults();
        let found: Vec<_> = found.iter().map(|(at, code)| (at.as_str(), code.as_str())).collect();
        assert_eq!(found, faults, "{body}");
    }
    assert_eq!(project.call("GET", WEBHOOKS).await.json(), json!([]));
    let created = project.create().await;
    let answer = project.send("PUT", &path_of(&created), &json!({ "active": "no", "scope": [] })).await;
    assert_eq!(answer.faults().len(), 2, "{}", answer.text);
}

#[tokio::test]
async fn endpoint_can_be_for_one_connection_of_the_project() {
    let app = App::new().await;
    let project = Project::new(&app).await;
    let (connection, _) = app.connection(project.id, CredentialOptions::default()).await;
    let mut body = body();
    body["id_connection"] = json!(connection.0);
    let answer = project.send("POST", WEBHOOKS, &body).await;
    assert_eq!(answer.json()["id_connection"], json!(connection.0), "{}", answer.text);
}

#[tokio::test]
async fn project_has_at_most_a_hundred_endpoints() {
    let app = App::new().await;
    let (project, other) = (Project::new(&app).await, Project::new(&app).await);
    for _ in 0..98 {
        project.create().await;
    }
    let body = body();
    let creates = (0..4).map(|_| project.send("POST", WEBHOOKS, &body));
    let mut statuses: Vec<_> =
        futures_util::future::join_all(creates).await.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 409, 409]);
    let refused = project.send("POST", WEBHOOKS, &body).await;
    assert_eq!(refused.problem(), (409, "too_many_webhooks".to_owned()));
    let listed = project.call("GET", WEBHOOKS).await.json();
    assert_eq!(listed.as_array().expect("a list").len(), 100);
    other.create().await;
    project.call("DELETE", &path_of(&listed[0])).await;
    project.create().await;
}

#[tokio::test]
async fn without_sealing_keys_no_endpoint_is_stored() {
    let options = postgres::migrated().await;
    let mut app = App::on(options, Clock::system()).await;
    let remote = remote();
    let remote = sync::Settings { access: Access::new(None, remote.access.client.clone()), ..remote };
    let server = unibooks::app::App::new(&unlimited(), &app.database, &Clock::system(), remote, webhooks());
    app.router = server.router;
    let project = Project::new(&app).await;
    let answer = project.send("POST", WEBHOOKS, &body()).await;
    assert_eq!(answer.problem(), (409, "no_sealing_keys".to_owned()));
    assert_eq!(project.call("GET", WEBHOOKS).await.json(), json!([]));
}
