//! Which addresses an endpoint can have.

use serde_json::json;

use super::{Project, WEBHOOKS, path_of};
use crate::support::app::App;

/// Addresses that this server may not call, besides loopback, which the tests allow.
const NOT_ALLOWED: &[&str] = &[
    "https://10.0.0.1/",
    "https://192.168.0.1:8443/hooks",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::ffff:10.0.0.1]/",
    "https://[fd00::1]/",
    "https://0.0.0.0/",
    // A public address without TLS.
    "http://93.184.215.14/hooks",
];

const INVALID: &[&str] = &[
    "example.com/hooks",
    "ftp://example.com/",
    "https://user:hunter2@example.com/",
    "https://example.com/#hunter2",
    "https://",
    "",
];

#[tokio::test]
async fn address_that_may_not_be_called_is_refused() {
    let app = App::new().await;
    let project = Project::new(&app).await;
    let created = project.create().await;
    let urls = NOT_ALLOWED.iter().map(|url| (url, "address_not_allowed"));
    for (url, code) in urls.chain(INVALID.iter().map(|url| (url, "invalid_url"))) {
        for answer in [
            project.send("POST", WEBHOOKS, &json!({ "url": url, "scope": ["*"] })).await,
            project.send("PUT", &path_of(&created), &json!({ "url": url })).await,
        ] {
            assert_eq!(answer.status, 422, "{url}: {}", answer.text);
            assert_eq!(answer.faults(), [("/url".to_owned(), code.to_owned())], "{url}: {}", answer.text);
            assert!(!answer.text.contains("hunter2"), "{}", answer.text);
        }
    }
    let listed = project.call("GET", WEBHOOKS).await.json();
    assert_eq!((listed.as_array().expect("a list").len(), &listed[0]["url"]), (1, &created["url"]));
}

#[tokio::test]
async fn name_without_an_address_is_refused() {
    let app = App::new().await;
    let project = Project::new(&app).await;
    let body = json!({ "url": "https://nobody.invalid/hooks", "scope": ["*"] });
    let answer = project.send("POST", WEBHOOKS, &body).await;
    assert_eq!(answer.faults(), [("/url".to_owned(), "unknown_host".to_owned())], "{}", answer.text);
}
