//! Secrets are never in the log at its most verbose level, in answers, metrics or output, nor in the `Debug` text of the
//! types that hold them.

use std::fmt::Debug;

use clap::{Args, FromArgMatches};
use reqwest::{Client, Method, RequestBuilder};
use unibooks::accounting::payments::GroupCommit;
use unibooks::auth::{Authenticator, Secret, secret};
use unibooks::config::{ConnectorSettings, DatabaseSettings, DatabaseUrl};
use unibooks::connectors::{Target, registry};
use unibooks::db::{Database, WriterPool};
use unibooks::domain::{Clock, ConnectionId};
use unibooks::events::Changes;
use unibooks::outgoing::Networks;
use uuid::Uuid;

use crate::process::{Server, free_port, new_credentials, unibooks};
use crate::support::postgres;

const PASSWORD: &str = "pass-marker";

/// A sealing key, as the setting has it.
const SEALING_KEY: &str = "c2VhbGluZy1rZXktbWFya2VyLXNlYWxpbmcta2V5LTE=";

/// The URL of a new database, with a password that Postgres does not ask for.
async fn url_with_password() -> String {
    let url = postgres::url(&postgres::migrated().await).await;
    url.replacen("unibooks@", &format!("unibooks:{PASSWORD}@"), 1)
}

#[track_caller]
fn assert_hides(text: &str, secrets: &[&str], whose: &str) {
    for secret in secrets {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{whose} reveals {secret}");
    }
}

/// Requests with secrets in every place, most of them wrong.
fn requests(base: &str, key: &str, token: &str, strange: &str) -> Vec<RequestBuilder> {
    let client = Client::new();
    let payments = format!("{base}/accounting/payments");
    let send = |method: Method, path: &str, key: &str, token: &str| {
        client.request(method, path).header("x-api-key", key).header("x-connection-token", token)
    };
    let create = || send(Method::POST, &payments, key, token);
    let list = |query: &str| send(Method::GET, &format!("{payments}?{query}"), key, token);
    vec![
        create().json(&serde_json::json!({})),
        create().header("idempotency-key", "once").json(&serde_json::json!({ "total_amount": 1 })),
        create().header("idempotency-key", "once").json(&serde_json::json!({ "total_amount": 2 })),
        list(""),
        send(Method::GET, &payments, token, key),
        send(Method::GET, &payments, key, strange),
        send(Method::GET, &payments, strange, token),
        send(Method::GET, &payments, &format!("{key}x"), token),
        send(Method::GET, &payments, key, &token[1..]),
        send(Method::DELETE, &payments, key, token),
        client.get(&payments).bearer_auth(key),
        client.get(format!("{payments}?x-api-key={key}&x-connection-token={token}")),
        list(&format!("api_key={key}")),
        list(&format!("cursor={token}")),
        list(&format!("currency={key}&limit={token}")),
        create().json(&serde_json::json!({ "currency": key, "invoice_id": token, "transaction_date": key })),
        create().json(&serde_json::json!({ "total_amount": key, "line_items": [token], "api_key": key })),
        create().header("content-type", "application/json").body(format!("{{\"type\":{key}")),
        create().header("idempotency-key", format!("\"{key}")).json(&serde_json::json!({})),
        create().header("x-request-id", format!("{key} {token}")).body("{}"),
        create().header("traceparent", key).header("x-forwarded-for", token).header("content-type", key).body("{}"),
    ]
}

#[tokio::test]
async fn no_secret_is_logged_answered_counted_or_printed() {
    let url = url_with_password().await;
    let [_, key, _, token] = new_credentials(&url);
    let strange = Secret::generate(secret::Kind::ApiKey, &mut rand::rng()).expose().to_owned();
    let metrics = format!("127.0.0.1:{}", free_port());
    let mut command = unibooks(&["serve", "--listen", "127.0.0.1:0", "--metrics-listen", &metrics]);
    command.env("DATABASE_URL", &url).env("UNIBOOKS_SEALING_KEYS", SEALING_KEY).env("UNIBOOKS_LOG", "trace");
    let server = Server::start(command);
    // Without their prefixes, which are not secret.
    let secrets = [&key[7..], &token[8..], &strange[7..], PASSWORD, SEALING_KEY];
    for (number, request) in requests(&server.base, &key, &token, &strange).into_iter().enumerate() {
        let answer = request.send().await.expect("an answer");
        let text =
            format!("{} {:?}\n{}", answer.status(), answer.headers().clone(), answer.text().await.expect("a text"));
        assert_hides(&text, &secrets, &format!("the answer to request {number}"));
    }
    let counted =
        reqwest::get(format!("http://{metrics}/metrics")).await.expect("metrics").text().await.expect("a text");
    assert!(counted.contains("unibooks_http_problems_total"), "{counted}");
    assert_hides(&counted, &secrets, "a metric");
    server.signal("TERM");
    let (_, printed, log) = server.wait();
    assert!(log.iter().any(|line| line.contains("sqlx::query")), "the most verbose level was on");
    assert_hides(&log.join("\n"), &secrets, "the log");
    assert_hides(&printed, &secrets, "standard output");
}

#[tokio::test]
async fn debug_shows_no_secret() {
    let url = url_with_password().await;
    let [_, key, ..] = new_credentials(&url);
    let parsed = Secret::parse(secret::Kind::ApiKey, &key).expect("a key");
    let read = |command: clap::Command| command.get_matches_from(["unibooks", "--database-url", &url]);
    let address = DatabaseUrl::from_arg_matches(&read(DatabaseUrl::augment_args(clap::Command::new("unibooks"))));
    let address = address.expect("an address");
    let settings = DatabaseSettings::augment_args(clap::Command::new("unibooks")).get_matches_from(["unibooks"]);
    let settings = DatabaseSettings::from_arg_matches(&settings).expect("settings");
    let options = settings.options(address.parse().expect("an address"));
    let database = Database::connect(options.clone()).await.expect("a database");
    let authenticator = Authenticator::new(database.clone(), Clock::system());
    assert!(!authenticator.accepts(&parsed, &parsed).await.expect("looked up"), "it is in the cache now");
    let writers = GroupCommit::start(&WriterPool::new(&database), &Clock::system(), &Changes::default());
    let connectors = ConnectorSettings::augment_args(clap::Command::new("unibooks"));
    let connectors = connectors.get_matches_from(["unibooks", "--sealing-keys", SEALING_KEY]);
    let connectors = ConnectorSettings::from_arg_matches(&connectors).expect("settings");
    let keys = connectors.sealing_keys().expect("keys");
    let access = connectors.access(Networks::loopback()).expect("settings");
    let target = Target {
        connection_id: ConnectionId(Uuid::nil()),
        url: "https://books.example".to_owned(),
        database: None,
        company: None,
        login: None,
        secret: PASSWORD.into(),
    };
    let connector = registry::find("tryton").expect("a provider").connect(target.clone(), access.client.clone());
    let shown: [&dyn Debug; 12] = [
        &parsed,
        &address,
        &settings,
        &options,
        &database,
        &authenticator,
        &writers,
        &connectors,
        &keys,
        &access,
        &target,
        &connector,
    ];
    for shown in shown {
        assert_hides(&format!("{shown:?}\n{shown:#?}"), &[&key[7..], PASSWORD, SEALING_KEY], "Debug");
    }
}
