//! Endpoints that get the events of one connection.

use axum::http::Method;
use serde_json::{Value, json};

use crate::calls::{call, site};
use crate::receiver::Receiver;
use crate::support::app::{CredentialOptions, Tenant};
use crate::support::wait::until;

#[tokio::test]
async fn endpoint_of_a_connection_gets_nothing_of_others() {
    let site = site().await;
    let (connection_id, connection_token) =
        site.app.connection(site.tenant.project_id, CredentialOptions::default()).await;
    let other = Tenant { connection_id, connection_token, ..site.tenant.clone() };
    let receiver = Receiver::start().await;
    let body = json!({
        "url": receiver.url, "scope": ["accounting.*"], "id_connection": site.tenant.connection_id.to_string()
    });
    let post = async |path: &str, body: Option<Value>| call(&site, &site.tenant, Method::POST, path, body).await.json();
    let created = post("/webhooks", Some(body)).await;
    let endpoint = created["id_webhook_endpoint"].as_str().expect("an id").to_owned();
    let _running = site.deliver();
    site.pay(&other, 2).await;
    let own = site.pay(&site.tenant, 1).await;
    let id = endpoint.parse().expect("an id");
    site.stored(id, 1).await;
    assert_eq!(receiver.objects(), own);

    let accepted = post(&format!("/webhooks/{endpoint}/replay"), Some(json!({ "only": "all" }))).await;
    assert!(accepted["id"].is_string(), "{accepted}");
    let open = "select from webhook_replay where project_id = $1 and endpoint_id = $2";
    until("the replay has ended", async || site.rows(open, id).await.is_empty()).await;
    until("nothing waits", async || site.open_retries(id).await == 0).await;
    assert_eq!(receiver.objects(), [&own[..], &own].concat());

    let path = "/webhooks/events?type=accounting.*";
    let listed = call(&site, &site.tenant, Method::GET, path, None).await.json();
    for event in listed["data"].as_array().expect("events") {
        let event_id = event["id_event"].as_str().expect("an id");
        let resent = post(&format!("/webhooks/events/{event_id}/resend"), None).await;
        let is_own = event["id_connection"] == site.tenant.connection_id.to_string();
        let expected = if is_own { json!([endpoint]) } else { json!([]) };
        assert_eq!(resent["webhook_endpoints"], expected, "{event}");
    }
    until("it has come again", async || receiver.count() == 3).await;
    assert_eq!(receiver.objects()[2..], own);
}
