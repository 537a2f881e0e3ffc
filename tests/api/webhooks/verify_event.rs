//! `POST /webhooks/verifyEvent`, by which older client libraries verify a delivery.

use serde_json::{Value, json};
use unibooks::config::{RateLimit, ServerSettings};
use unibooks::domain::Clock;
use unibooks::webhooks::signature::{PANORA_SIGNATURE, SIGNATURE, SignatureScheme, SigningSecret, headers};

use super::Project;
use crate::support::app::{App, unlimited};
use crate::support::logs::Logs;
use crate::support::postgres;

const VERIFY: &str = "/webhooks/verifyEvent";
const SECRET: &str = "whsec_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";

/// The signatures of a delivery: the older product's, and that of Standard Webhooks.
fn signatures(body: &str) -> [String; 2] {
    let secret: SigningSecret = SECRET.parse().expect("a secret");
    let headers = headers("id", Clock::system().now(), body.as_bytes(), &[secret], SignatureScheme::V1);
    [PANORA_SIGNATURE, SIGNATURE].map(|name| headers[name].to_str().expect("text").to_owned())
}

fn question(payload: &Value, signature: &str, secret: &str) -> Value {
    json!({ "payload": payload, "signature": signature, "secret": secret })
}

#[tokio::test]
async fn payload_is_answered_when_its_signature_is_right() {
    let app = App::new().await;
    let project = Project::new(&app).await;
    for data in [
        // As the libraries write it again: sorted, escaped, numbers as doubles.
        r#"{"z":"é\u0000\u2028","a":[1.10,1e16,{"10":1,"9":2}],"rate":0.1}"#,
        r#""{\"a\": 1.10}""#,
    ] {
        let body = format!(r#"{{"data":{data},"id_event":"1","type":"accounting.payment.created"}}"#);
        let payload: Value = serde_json::from_str(&body).expect("JSON");
        let [signature, _] = signatures(&body);
        let answer = project.send("POST", VERIFY, &question(&payload, &signature, SECRET)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert_eq!(answer.json(), payload);
        let mut changed = payload.clone();
        changed["data"] = json!({ "a": 2 });
        for (payload, signature, secret) in [
            (&changed, signature.as_str(), SECRET),
            (&payload, signature.as_str(), "whsec_"),
            (&payload, "00", SECRET),
            (&payload, "", SECRET),
            (&json!({}), signature.as_str(), SECRET),
        ] {
            let answer = project.send("POST", VERIFY, &question(payload, signature, secret)).await;
            assert_eq!(answer.problem(), (400, "invalid_signature".to_owned()), "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn refusal_shows_no_signature_and_hints_at_the_other_header() {
    let app = App::new().await;
    let project = Project::new(&app).await;
    let logs = Logs::catch("debug");
    let body = r#"{"data":{"a":1}}"#;
    let payload: Value = serde_json::from_str(body).expect("JSON");
    let [right, standard] = signatures(body);
    let wrong = project.send("POST", VERIFY, &question(&payload, "00ff", SECRET)).await;
    assert!(!wrong.text.contains(&right) && !wrong.text.contains("webhook-signature"), "{}", wrong.text);
    let hinted = project.send("POST", VERIFY, &question(&payload, &standard, SECRET)).await;
    assert!(hinted.text.contains("webhook-signature") && !hinted.text.contains(&right), "{}", hinted.text);
    assert!(!logs.text().contains(&SECRET[6..]) && !logs.text().contains(&right));
}

#[tokio::test]
async fn body_without_a_part_is_refused_by_name() {
    let app = App::new().await;
    let project = Project::new(&app).await;
    let answer = project.send("POST", VERIFY, &json!({ "payload": "{}" })).await;
    let faults = answer.faults();
    let faults: Vec<_> = faults.iter().map(|(at, code)| (at.as_str(), code.as_str())).collect();
    assert_eq!(faults, [("/signature", "required"), ("/secret", "required"), ("/payload", "wrong_type")]);
}

#[tokio::test]
async fn wrong_signatures_count_as_failed_authentications() {
    let three = RateLimit(Some("3/86400".parse().expect("a quota")));
    let settings = ServerSettings { failed_auth_limit: three, ..unlimited() };
    let app = App::with_settings(postgres::migrated().await, Clock::system(), &settings).await;
    let project = Project::new(&app).await;
    let question = question(&json!({ "data": 1 }), "00", SECRET);
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(project.send("POST", VERIFY, &question).await.status.as_u16());
    }
    assert_eq!(statuses[0], 400);
    assert_eq!(statuses[4], 429, "{statuses:?}");
}
