//! `GET /events`, the list of events that existing client libraries can decode.

use serde_json::{Value, json};

use super::feed::{get_by_key, reader};
use crate::support::app::{App, CredentialOptions, Tenant, small_payment};
use crate::support::software;

/// The ids of the connections, which must be answered.
async fn connections(app: &App, tenant: &Tenant, query: &str) -> Vec<Value> {
    let answer = get_by_key(app, tenant, &format!("/events?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json().as_array().expect("a bare array").iter().map(|event| event["id_connection"].clone()).collect()
}

#[tokio::test]
async fn created_connection_is_shown_with_every_member() {
    let app = App::new().await;
    let tenant = reader(&app).await;
    let (connection_id, connection_token) = app.connection(tenant.project_id, CredentialOptions::default()).await;
    let second = Tenant { connection_id, connection_token, ..tenant.clone() };
    software::connect(&app, &second).await;
    // Newer than the connection, and no library could decode it.
    app.create(&tenant, &small_payment()).await;
    let event = get_by_key(&app, &tenant, "/webhooks/events?type=connection.created").await.json()["data"][0].clone();
    let shown = get_by_key(&app, &tenant, "/events").await.json();
    let expected = json!([{
        "id_event": event["id_event"], "id_connection": connection_id, "id_project": tenant.project_id,
        "id_linked_user": "", "type": "connection.created", "provider": "tryton", "timestamp": event["timestamp"],
        "status": "success", "method": "POST", "direction": "", "url": "",
    }]);
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn created_connections_come_newest_first_and_in_pages() {
    let app = App::new().await;
    let tenant = reader(&app).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.insert(0, json!(app.connection(tenant.project_id, CredentialOptions::default()).await.0));
    }
    assert_eq!(connections(&app, &tenant, "").await, made);
    assert_eq!(connections(&app, &tenant, "page=1.0&limit=2.0").await, made[..2]);
    assert_eq!(connections(&app, &tenant, "page=3&limit=2").await, made[4..]);
    assert_eq!(connections(&app, &tenant, "page=1000000&limit=200").await, Vec::<Value>::new());
    let wrong = get_by_key(&app, &tenant, "/events?page=0&limit=201").await;
    let faults = ["limit", "page"].map(|name| (name.to_owned(), "out_of_range".to_owned()));
    let mut found = wrong.faults();
    found.sort();
    assert_eq!((wrong.status.as_u16(), found), (422, faults.to_vec()));
}

#[tokio::test]
async fn created_connections_are_those_of_the_caller() {
    let app = App::new().await;
    let (tenant, other) = (reader(&app).await, reader(&app).await);
    let (first, first_token) = app.connection(tenant.project_id, CredentialOptions::default()).await;
    let (second, _) = app.connection(tenant.project_id, CredentialOptions::default()).await;
    let (foreign, _) = app.connection(other.project_id, CredentialOptions::default()).await;
    assert_eq!(connections(&app, &tenant, "").await, [json!(second), json!(first)]);
    assert_eq!(connections(&app, &other, "").await, [json!(foreign)]);
    let with_token = Tenant { connection_token: first_token, ..tenant.clone() };
    let shown = app.get(&with_token, "/events").await.json();
    assert_eq!((shown.as_array().expect("an array").len(), &shown[0]["id_connection"]), (1, &json!(first)));
}

#[tokio::test]
async fn newest_connection_is_shown_behind_many_unread_changes() {
    let app = App::new().await;
    let tenant = reader(&app).await;
    let mut session = app.connect().await;
    // More than two steps of giving positions.
    sqlx::query(
        "insert into event_outbox (project_id, connection_id, type, objects, created_at)
         select $1, $2, 'accounting.payment.created', array[gen_random_uuid()], now() from generate_series(1, 600)",
    )
    .bind(tenant.project_id.0)
    .bind(tenant.connection_id.0)
    .execute(&mut session)
    .await
    .expect("changes");
    let (newest, _) = app.connection(tenant.project_id, CredentialOptions::default()).await;
    assert_eq!(connections(&app, &tenant, "limit=1").await, [json!(newest)]);
}
