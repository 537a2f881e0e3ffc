//! Each delivery is signed over the bytes that arrive.

use serde_json::Value;
use unibooks::webhooks::signature::{self, SignatureScheme, SigningSecret};

use crate::receiver::Receiver;
use crate::site::{SECRET, Site};
use crate::support::wait::until;

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
        let seconds = delivered.headers["webhook-timestamp"].to_str().expect("text").parse().expect("a number");
        let time = chrono::DateTime::from_timestamp_secs(seconds).expect("a time");
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
