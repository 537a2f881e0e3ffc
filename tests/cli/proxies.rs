//! Trusted proxies, and untrusted peers that send `X-Forwarded-For`, against a real process.

use reqwest::Client;
use serde_json::Value;

use crate::process::Server;
use crate::support::app::PAYMENTS;
use crate::support::postgres;

const WARNING: &str =
    "X-Forwarded-For of this peer is ignored; if it is your proxy, add it to UNIBOOKS_TRUSTED_PROXIES";

/// Sends three requests with `X-Forwarded-For` and returns the warnings about that header.
async fn warnings_about_the_header(trusted: &str) -> Vec<Value> {
    let url = postgres::url(&postgres::migrated().await).await;
    let server = Server::serve_with(&url, &[("UNIBOOKS_TRUSTED_PROXIES", trusted)]);
    for _ in 0..3 {
        let request = Client::new().get(format!("{}{PAYMENTS}", server.base)).header("x-forwarded-for", "198.51.100.7");
        assert_eq!(request.send().await.expect("an answer").status(), 401);
    }
    server.signal("TERM");
    let (_, _, log) = server.wait();
    let lines = log.iter().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.filter(|line| line["message"] == WARNING).collect()
}

#[tokio::test]
async fn untrusted_forwarded_header_is_warned_about_once() {
    let warnings = warnings_about_the_header("10.0.0.0/8").await;
    let [warning] = &warnings[..] else { panic!("not one warning: {warnings:?}") };
    assert_eq!((&warning["level"], &warning["peer"]), (&"WARN".into(), &"127.0.0.1".into()));
    assert!(!warning.to_string().contains("198.51.100.7"), "a client may have written the header: {warning}");
}

#[tokio::test]
async fn trusted_forwarded_header_is_not_warned_about() {
    assert_eq!(warnings_about_the_header("::ffff:127.0.0.0/104").await, [Value::Null; 0]);
}
