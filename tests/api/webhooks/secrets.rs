//! Secrets of endpoints: shown once, sealed in the database, in no log.

use chrono::TimeDelta;
use serde_json::Value;
use unibooks::auth::Operator;
use unibooks::domain::{Clock, WebhookEndpointId};
use unibooks::webhooks::endpoints;
use unibooks::webhooks::signature::SigningSecret;

use super::{Project, path_of};
use crate::support::app::{App, SEALING_KEYS};
use crate::support::logs::Logs;

fn secret(endpoint: &Value) -> SigningSecret {
    endpoint["secret"].as_str().expect("a text").parse().expect("a secret")
}

#[tokio::test]
async fn replaced_secret_signs_for_a_day_beside_the_new_one() {
    let app = App::new().await;
    let project = Project::new(&app).await;
    let created = project.create().await;
    let rotated = project.call("POST", &format!("{}/secret/rotate", path_of(&created))).await;
    assert_eq!(rotated.status, 201, "{}", rotated.text);
    let rotated = rotated.json();
    assert_ne!(rotated["secret"], created["secret"]);
    assert!(rotated["previous_secret_until"].is_string(), "{rotated}");
    assert_eq!(project.call("GET", &path_of(&created)).await.json()["secret"], "");

    let scope = Operator::from_cli(app.database.clone()).project(project.id);
    let id: WebhookEndpointId = created["id_webhook_endpoint"].as_str().expect("an id").parse().expect("an id");
    let endpoint = endpoints::find(&scope, id).await.expect("read").expect("an endpoint");
    let keys = SEALING_KEYS.parse().expect("keys");
    let at = |moment| endpoint.secrets.open(&keys, id, moment).expect("opened");
    assert_eq!(at(Clock::system().now()), [secret(&rotated), secret(&created)]);
    assert_eq!(at(Clock::system().now() + TimeDelta::hours(25)), [secret(&rotated)]);
}

#[tokio::test]
async fn secrets_are_neither_stored_in_plain_text_nor_logged() {
    let app = App::new().await;
    let project = Project::new(&app).await;
    let logs = Logs::catch("debug");
    let created = project.create().await;
    let rotated = project.call("POST", &format!("{}/secret/rotate", path_of(&created))).await.json();
    let mut session = app.connect().await;
    let row: String = sqlx::query_scalar("select string_agg(t::text, ' ') from webhook_endpoint t")
        .fetch_one(&mut session)
        .await
        .expect("rows");
    for endpoint in [&created, &rotated] {
        let text = &endpoint["secret"].as_str().expect("a text")[6..];
        let hex = text.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        assert!(!row.contains(text) && !row.contains(&hex), "the secret is in the database");
        assert!(!logs.text().contains(text), "the secret is in the log");
    }
}

#[tokio::test]
async fn of_two_rotations_at_once_each_stored_one_is_shown() {
    let app = App::new().await;
    let project = Project::new(&app).await;
    let created = project.create().await;
    let path = format!("{}/secret/rotate", path_of(&created));
    let (one, other) = tokio::join!(project.call("POST", &path), project.call("POST", &path));
    let shown: Vec<_> = [one, other].into_iter().filter(|answer| answer.status == 201).collect();
    assert!(!shown.is_empty());
    let scope = Operator::from_cli(app.database.clone()).project(project.id);
    let stored = endpoints::list(&scope).await.expect("read").remove(0);
    let keys = SEALING_KEYS.parse().expect("keys");
    let signing = stored.secrets.open(&keys, stored.id, Clock::system().now()).expect("opened");
    assert!(shown.iter().all(|answer| signing.contains(&secret(&answer.json()))), "a shown secret does not sign");
}
