//! What changes of an endpoint do to its deliveries.

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::{Connection, Row};
use unibooks::domain::WebhookEndpointId;

use crate::calls::{call, site};
use crate::receiver::Receiver;
use crate::site::Site;
use crate::support::all_nodes::count_on_all_nodes;
use crate::support::wait::until;

/// Makes an endpoint by a call; its id and its path.
async fn created(site: &Site, url: &str) -> (WebhookEndpointId, String) {
    let body = json!({ "url": url, "scope": ["accounting.*"] });
    let answer = call(site, &site.tenant, Method::POST, "/webhooks", Some(body)).await;
    let id = answer.json()["id_webhook_endpoint"].as_str().expect("an id").to_owned();
    (WebhookEndpointId(id.parse().expect("an id")), format!("/webhooks/{id}"))
}

async fn put(site: &Site, path: &str, body: Value) -> Value {
    let answer = call(site, &site.tenant, Method::PUT, path, Some(body)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn resumed_endpoint_gets_what_follows_and_nothing_before() {
    let site = site().await;
    let receiver = Receiver::start().await;
    let (endpoint, path) = created(&site, &receiver.url).await;
    let _running = site.deliver();
    assert_eq!(put(&site, &path, json!({ "active": false })).await["active"], false);
    site.pay(&site.tenant, 2).await;
    assert_eq!(put(&site, &path, json!({ "active": true })).await["active"], true);
    let after = site.pay(&site.tenant, 1).await;
    site.stored(endpoint, 1).await;
    assert_eq!(receiver.objects(), after);
}

#[tokio::test]
async fn change_of_an_endpoint_leaves_what_disables_it_meanwhile() {
    let site = site().await;
    let (_, path) = created(&site, "http://127.0.0.1:9/hook").await;
    let mut session = site.app.connect().await;
    let mut server = session.begin().await.expect("begun");
    sqlx::query("update webhook_endpoint set disabled_reason = 'gone', disabled_at = now()")
        .execute(&mut *server)
        .await
        .expect("disabled");
    let committed = async {
        let waiting = "select count(*) from pg_stat_activity
                       where datname = current_database() and wait_event_type = 'Lock'";
        let mut watch = site.app.connect().await;
        until("the change waits", async || count_on_all_nodes(&mut watch, waiting).await > 0).await;
        server.commit().await.expect("committed");
    };
    tokio::join!(put(&site, &path, json!({ "description": "Ledger" })), committed);
    let read = call(&site, &site.tenant, Method::GET, &path, None).await.json();
    assert_eq!((&read["active"], &read["endpoint_description"]), (&json!(false), &json!("Ledger")));
}

#[tokio::test]
async fn deleted_endpoint_leaves_nothing_to_send() {
    let site = site().await;
    let (endpoint, path) = created(&site, "http://127.0.0.1:9/hook").await;
    call(&site, &site.tenant, Method::POST, &format!("{path}/replay"), Some(json!({}))).await;
    site.rows("insert into webhook_retry values ($1, $2, 1, 1, now()) returning 1", endpoint).await;
    let count = "select (select count(*) from webhook_delivery where project_id = $1 and endpoint_id = $2),
                        (select count(*) from webhook_retry where project_id = $1 and endpoint_id = $2),
                        (select count(*) from webhook_replay where project_id = $1 and endpoint_id = $2)";
    let counts = async || {
        let row = site.rows(count, endpoint).await.remove(0);
        [0, 1, 2].map(|column| row.get::<i64, _>(column))
    };
    assert_eq!(counts().await, [1, 1, 1]);
    assert_eq!(call(&site, &site.tenant, Method::DELETE, &path, None).await.status, 201);
    assert_eq!(counts().await, [0, 0, 0]);
}
