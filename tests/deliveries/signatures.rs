//! Each delivery is signed over the bytes that arrive.

use std::time::Duration;

use axum::http::Method;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use unibooks::webhooks::signature::{self, SignatureScheme, SigningSecret};

use crate::calls::{call, site};
use crate::receiver::{Received, Receiver, status};
use crate::site::{SECRET, Site};
use crate::support::wait::until;

/// Calls that answer an endpoint with its secret.
async fn with_secret(site: &Site, path: &str, body: Option<Value>) -> (String, String) {
    let answer = call(site, &site.tenant, Method::POST, path, body).await.json();
    let text = |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    (format!("/webhooks/{}", text("id_webhook_endpoint")), text("secret"))
}

/// Makes an endpoint by a call: its path and its own secret.
async fn created(site: &Site, url: &str) -> (String, String) {
    with_secret(site, "/webhooks", Some(json!({ "url": url, "scope": ["accounting.*"] }))).await
}

/// Whether the library verifies a delivery with this secret.
fn verifies(secret: &str, delivered: &Received) -> bool {
    Webhook::new(secret).expect("a secret").verify(&delivered.bytes, &delivered.headers).is_ok()
}

#[tokio::test]
async fn delivery_is_signed_with_the_secret_of_its_endpoint() {
    let site = Site::new().await;
    let (standard, panora) = (Receiver::start().await, Receiver::start().await);
    site.endpoint_like(&standard.url, "*", "standard").await;
    site.endpoint_like(&panora.url, "*", "panora").await;
    let _running = site.deliver();
    let paid = site.pay(&site.tenant, 1).await;
    until("both have come", async || standard.count() == 1 && panora.count() == 1).await;
    let secret: SigningSecret = SECRET.parse().expect("a secret");
    for delivered in [&standard.received()[0], &panora.received()[0]] {
        let time = chrono::DateTime::from_timestamp_secs(delivered.timestamp()).expect("a time");
        let expected = signature::headers(
            &delivered.id(),
            time,
            delivered.bytes.as_ref(),
            std::slice::from_ref(&secret),
            SignatureScheme::V1,
        );
        for name in ["webhook-signature", "panora-signature"] {
            assert_eq!(delivered.headers[name], expected[name], "{name}");
        }
    }
    let data = &panora.received()[0].body["data"];
    let object: Value = serde_json::from_str(data.as_str().expect("a text")).expect("JSON");
    assert_eq!((&object, object["id"].as_str()), (&standard.received()[0].body["data"], Some(&*paid[0])));
}

#[tokio::test]
async fn each_endpoint_has_signatures_of_its_own_secret() {
    let site = site().await;
    let receivers = [Receiver::start().await, Receiver::start().await];
    let secrets = [created(&site, &receivers[0].url).await.1, created(&site, &receivers[1].url).await.1];
    let _running = site.deliver();
    site.pay(&site.tenant, 1).await;
    for (at, receiver) in receivers.iter().enumerate() {
        until("it has come", async || receiver.count() == 1).await;
        let delivered = &receiver.received()[0];
        assert!(verifies(&secrets[at], delivered) && !verifies(&secrets[1 - at], delivered), "endpoint {at}");
    }
}

#[tokio::test]
async fn both_secrets_sign_deliveries_for_a_day() {
    let site = site().await;
    let receiver = Receiver::start().await;
    let (path, old) = created(&site, &receiver.url).await;
    let (_, new) = with_secret(&site, &format!("{path}/secret/rotate"), None).await;
    let _running = site.deliver();
    site.pay(&site.tenant, 1).await;
    until("it has come", async || receiver.count() == 1).await;
    let delivered = &receiver.received()[0];
    assert!(verifies(&old, delivered) && verifies(&new, delivered));
    let signatures = |delivered: &Received| {
        let text = delivered.headers["webhook-signature"].to_str().expect("text").to_owned();
        text.split(' ').count()
    };
    assert_eq!(signatures(delivered), 2);
    // Only the new one makes the signature of the older product.
    let data = RawValue::from_string(delivered.body["data"].to_string()).expect("JSON");
    let by = |secret: &str| {
        let signature = delivered.headers["panora-signature"].to_str().expect("text");
        signature::verify_panora(&secret.into(), &data, signature)
    };
    assert_eq!((by(&new), by(&old)), (true, false));
    site.pass(Duration::from_hours(25));
    site.pay(&site.tenant, 1).await;
    until("the second has come", async || receiver.count() == 2).await;
    assert_eq!(signatures(&receiver.received()[1]), 1);
}

#[tokio::test]
async fn each_attempt_is_signed_with_its_own_time() {
    let site = site().await;
    let receiver = Receiver::answering(|before, _| status(if before == 0 { 500 } else { 200 })).await;
    let (path, secret) = created(&site, &receiver.url).await;
    let endpoint = path.trim_start_matches("/webhooks/").parse().expect("an id");
    let _running = site.deliver();
    site.pay(&site.tenant, 1).await;
    site.stored(endpoint, 1).await;
    site.pass(Duration::from_mins(1));
    until("it has come again", async || receiver.count() == 2).await;
    let [first, second] = &receiver.received()[..] else { panic!("not two attempts") };
    // The test moved its clock on by a minute.
    assert!(second.timestamp() >= first.timestamp() + 60);
    assert_eq!(first.id(), second.id());
    assert!(verifies(&secret, first) && verifies(&secret, second));
}
