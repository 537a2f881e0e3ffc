//! The calls about deliveries: what became of them, and how to have events sent again.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use unibooks::domain::{ApiKeyScopes, EventId, EventPosition, WebhookEndpointId};

use crate::receiver::{Receiver, status};
use crate::site::Site;
use crate::support::app::{Answer, CredentialOptions, Tenant};
use crate::support::wait::until;

/// A call with a key alone, as client libraries make it.
pub async fn call(site: &Site, tenant: &Tenant, method: Method, path: &str, body: Option<Value>) -> Answer {
    let request = Request::builder().method(method).uri(path).header("x-api-key", &tenant.api_key);
    let request = match body {
        Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
        None => request.body(Body::empty()),
    };
    site.app.send(request.expect("a request")).await
}

/// The same tenant with a key that has these scopes.
async fn with_scopes(site: &Site, tenant: &Tenant, scopes: &[&str]) -> Tenant {
    let options = CredentialOptions { scopes: ApiKeyScopes::of_names(scopes), expires_at: None };
    let (_, api_key) = site.app.key(tenant.project_id, options).await;
    Tenant { api_key, ..tenant.clone() }
}

/// A site whose tenant may read and change webhooks.
pub async fn site() -> Site {
    let mut site = Site::new().await;
    let scopes = ["payments:read", "payments:write", "webhooks:read", "webhooks:write"];
    site.tenant = with_scopes(&site, &site.tenant, &scopes).await;
    site
}

async fn get(site: &Site, path: &str) -> Answer {
    call(site, &site.tenant, Method::GET, path, None).await
}

#[tokio::test]
async fn attempts_are_listed_in_pages_the_latest_first() {
    let site = site().await;
    let receiver = Receiver::answering(|before, _| status(if before == 2 { 500 } else { 200 })).await;
    let endpoint = site.endpoint(&receiver.url).await;
    let _running = site.deliver();
    site.pay(&site.tenant, 5).await;
    site.stored(endpoint, 5).await;
    let path = format!("/webhooks/{endpoint}/attempts?limit=2");
    let first = get(&site, &path).await.json();
    let id = |position| json!(EventId::new(site.tenant.project_id, EventPosition(position)));
    let ids = |page: &Value| {
        page["data"].as_array().expect("data").iter().map(|one| one["id_event"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((ids(&first), &first["prev_cursor"]), (vec![id(5), id(4)], &Value::Null));
    let next = first["next_cursor"].as_str().expect("a cursor");
    let second = get(&site, &format!("{path}&cursor={next}")).await.json();
    assert_eq!(ids(&second), [id(3), id(2)]);
    assert_eq!((&second["data"][0]["status"], &second["data"][0]["number"]), (&json!(500), &json!(1)));
    assert_eq!(second["data"][0]["type"], "accounting.payment.created");
    let back = second["prev_cursor"].as_str().expect("a cursor");
    assert_eq!(ids(&get(&site, &format!("{path}&cursor={back}")).await.json()), [id(5), id(4)]);
    let next = second["next_cursor"].as_str().expect("a cursor");
    let last = get(&site, &format!("{path}&cursor={next}")).await.json();
    assert_eq!((ids(&last), &last["next_cursor"]), (vec![id(1)], &Value::Null));
    let other = site.endpoint(&receiver.url).await;
    let refused = get(&site, &format!("/webhooks/{other}/attempts?cursor={next}")).await;
    assert_eq!(refused.faults(), [("cursor".to_owned(), "invalid_cursor".to_owned())]);
    assert_eq!(get(&site, &format!("/webhooks/{other}/attempts")).await.json()["data"], json!([]));
}

#[tokio::test]
async fn earlier_events_are_sent_again_by_a_call() {
    let site = site().await;
    let receiver = Receiver::answering(|before, _| status(if before == 0 { 400 } else { 200 })).await;
    let endpoint = site.endpoint(&receiver.url).await;
    let _running = site.deliver();
    site.pay(&site.tenant, 2).await;
    site.stored(endpoint, 2).await;
    let path = format!("/webhooks/{endpoint}/replay");
    let post = async |body| call(&site, &site.tenant, Method::POST, &path, Some(body)).await;
    let replay = post(json!({ "since": "2020-01-01T00:00:00Z", "types": ["accounting.*"] })).await;
    assert_eq!(replay.status, 202, "{}", replay.text);
    assert!(replay.json()["id"].is_string());
    until("the failed one has come", async || receiver.count() == 3).await;
    assert_eq!(receiver.received()[2].id(), receiver.received()[0].id());
    let refused = post(json!({ "types": ["no.such"], "only": "some" })).await;
    assert_eq!(
        refused.faults(),
        [("/types/0".to_owned(), "unknown_event_type".to_owned()), ("/only".to_owned(), "unknown_value".to_owned())]
    );

    let event = receiver.received()[1].id();
    let resent = call(&site, &site.tenant, Method::POST, &format!("/webhooks/events/{event}/resend"), None).await;
    assert_eq!(
        (resent.status.as_u16(), resent.json()),
        (202, json!({ "id_event": event, "webhook_endpoints": [endpoint] }))
    );
    until("it has come again", async || receiver.count() == 4).await;
    assert_eq!(receiver.received()[3].id(), event);
}

#[tokio::test]
async fn test_call_answers_what_came_of_it() {
    let site = site().await;
    let receiver = Receiver::answering(|_, _| status(204)).await;
    let good = site.endpoint(&receiver.url).await;
    let bad = site.endpoint("http://127.0.0.1:1/").await;
    let test = async |endpoint: WebhookEndpointId| {
        call(&site, &site.tenant, Method::POST, &format!("/webhooks/{endpoint}/test"), None).await
    };
    let called = test(good).await.json();
    assert_eq!(
        (&called["status"], &called["error"], &called["type"]),
        (&json!(204), &Value::Null, &json!("webhook_endpoint.test"))
    );
    assert_eq!(called["id_event"], receiver.received()[0].id());
    let failed = test(bad).await.json();
    assert_eq!((&failed["status"], &failed["error"]), (&Value::Null, &json!("not_connected")));
}

#[tokio::test]
async fn calls_need_their_scope_and_see_their_project_only() {
    let site = site().await;
    let receiver = Receiver::start().await;
    let endpoint = site.endpoint(&receiver.url).await;
    let _running = site.deliver();
    site.pay(&site.tenant, 1).await;
    site.stored(endpoint, 1).await;
    let event = receiver.received()[0].id();
    let other = with_scopes(&site, &site.app.tenant().await, &["webhooks:read", "webhooks:write"]).await;
    let reader = with_scopes(&site, &site.tenant, &["webhooks:read"]).await;
    for (method, path, body, missing) in [
        (Method::GET, format!("/webhooks/{endpoint}/attempts"), None, "webhook_not_found"),
        (Method::POST, format!("/webhooks/{endpoint}/replay"), Some(json!({})), "webhook_not_found"),
        (Method::POST, format!("/webhooks/{endpoint}/test"), None, "webhook_not_found"),
        (Method::POST, format!("/webhooks/events/{event}/resend"), None, "event_not_found"),
    ] {
        let foreign = call(&site, &other, method.clone(), &path, body.clone()).await;
        assert_eq!(foreign.problem(), (404, missing.to_owned()), "{path}");
        let read = call(&site, &reader, method.clone(), &path, body).await;
        assert_eq!(read.status == 403, method == Method::POST, "{path}: {}", read.text);
        let malformed = path.replace(&endpoint.to_string(), "x").replace(&event, "x");
        let unknown = call(&site, &site.tenant, method, &malformed, Some(json!({}))).await;
        assert_eq!(unknown.problem(), (404, missing.to_owned()), "{malformed}");
    }
    assert_eq!(receiver.count(), 1);
}
