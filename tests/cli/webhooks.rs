//! `unibooks webhook …`

use std::fs;
use std::process::Output;

use chrono::TimeDelta;
use serde_json::Value;
use tempfile::TempDir;
use unibooks::domain::Clock;
use unibooks::webhooks::signature::{SignatureScheme, SigningSecret, headers};

use crate::process::{one_line, printed_json, unibooks};
use crate::support::postgres;

const KEY: &str = "c2VhbGluZy1rZXktbWFya2VyLXNlYWxpbmcta2V5LTE=";
const NEW_KEY: &str = "c2VhbGluZy1rZXktbWFya2VyLXNlYWxpbmcta2V5LTI=";
const SECRET: &str = "whsec_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
const BODY: &str = r#"{"data":{"a":1},"id_event":"1","type":"connection.created"}"#;

/// A project in a database of its own.
struct Project {
    url: String,
    id: String,
}

impl Project {
    async fn new() -> Self {
        let url = postgres::url(&postgres::migrated().await).await;
        let project = printed_json(&url, &["project", "create", "--name", "Books"]);
        Self { id: project["id"].as_str().expect("an id").to_owned(), url }
    }

    /// Runs `webhook …` for the project.
    fn run(&self, keys: &str, arguments: &[&str]) -> Output {
        let mut command = unibooks(&[&["webhook"], arguments, &["--project", &self.id]].concat());
        command.env("DATABASE_URL", &self.url).env("UNIBOOKS_SEALING_KEYS", keys);
        command.env("UNIBOOKS_WEBHOOK_NETWORKS", "127.0.0.0/8").output().expect("a process")
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(KEY, &[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

const CREATE: [&str; 5] = ["create", "--url", "http://127.0.0.1:9/hooks", "--event", "*"];

#[tokio::test]
async fn endpoint_is_made_changed_rotated_and_deleted() {
    let project = Project::new().await;
    let created = project.json(&CREATE);
    let id = created["id_webhook_endpoint"].as_str().expect("an id");
    assert!(created["secret"].as_str().is_some_and(|secret| secret.starts_with("whsec_")), "{created}");
    let listed = project.json(&["list"]);
    assert_eq!(
        (&listed[0]["id_webhook_endpoint"], &listed[0]["secret"]),
        (&created["id_webhook_endpoint"], &"".into())
    );
    let paused = project.json(&["update", "--webhook", id, "--pause", "--event", "sync.*", "--event", "connection.*"]);
    assert_eq!((&paused["active"], &paused["scope"]), (&false.into(), &serde_json::json!(["sync.*", "connection.*"])));
    let table = String::from_utf8(project.run(KEY, &["list"]).stdout).expect("UTF-8");
    assert!(table.contains("paused  sync.*,connection.*  http://127.0.0.1:9/hooks"), "{table}");
    assert_eq!(project.json(&["update", "--webhook", id, "--resume"])["active"], true);
    let rotated = project.json(&["rotate", "--webhook", id]);
    assert_ne!(rotated["secret"], created["secret"]);
    project.json(&["delete", "--webhook", id]);
    let line = one_line(&project.run(KEY, &["delete", "--webhook", id]), 1);
    assert!(line.contains("see `webhook list`"), "{line}");
}

#[tokio::test]
async fn what_cannot_work_is_refused_in_one_line() {
    let project = Project::new().await;
    let id = project.json(&CREATE)["id_webhook_endpoint"].as_str().expect("an id").to_owned();
    let with_url = |url| ["create", "--event", "*", "--url", url];
    for (keys, arguments, code, part) in [
        ("", CREATE.to_vec(), 1, "openssl rand -base64 32"),
        (KEY, with_url("http://10.0.0.1/").to_vec(), 1, "UNIBOOKS_WEBHOOK_NETWORKS"),
        (KEY, with_url("https://me:pw@example.com/").to_vec(), 1, "a user or a password in it"),
        (KEY, vec!["create", "--url", "https://127.0.0.1/"], 2, "--event"),
        (KEY, vec!["create", "--url", "https://127.0.0.1/", "--event", "payment"], 2, "no event has such a name"),
        (KEY, vec!["update", "--webhook", &id], 1, "nothing is to be changed"),
        (KEY, [&CREATE[..], &["--connection", &id]].concat(), 1, "see `connection list`"),
    ] {
        let line = one_line(&project.run(keys, &arguments), code);
        assert!(line.contains(part), "{arguments:?}: {line}");
        assert!(!line.contains("pw@"), "{line}");
    }
    let nobody = Project { id: "0197a3c2-5b7e-7c40-8a51-3f0b6a9d2e11".to_owned(), url: project.url };
    let line = one_line(&nobody.run(KEY, &CREATE), 1);
    assert!(line.contains("see `project list`"), "{line}");
}

#[tokio::test]
async fn secrets_of_webhooks_are_sealed_again_with_the_first_key() {
    let project = Project::new().await;
    project.json(&CREATE);
    let id = project.json(&CREATE)["id_webhook_endpoint"].as_str().expect("an id").to_owned();
    project.json(&["rotate", "--webhook", &id]);
    let reseal = |keys: &str| {
        let mut command = unibooks(&["connection", "reseal"]);
        command.env("DATABASE_URL", &project.url).env("UNIBOOKS_SEALING_KEYS", keys).output().expect("a process")
    };
    let said = |keys: &str| String::from_utf8(reseal(keys).stdout).expect("UTF-8");
    assert_eq!(said(&format!("{NEW_KEY},{KEY}")), "resealed   2\nunchanged  0\n");
    assert_eq!(said(NEW_KEY), "resealed   0\nunchanged  2\n");
    let output = reseal(KEY);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the secrets of 2 webhooks"));
}

/// A delivery in files.
struct Saved(TempDir);

impl Saved {
    fn new(age: TimeDelta, body: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let secret: SigningSecret = SECRET.parse().expect("a secret");
        let signed = headers("019ace5d", Clock::system().now() - age, BODY.as_bytes(), &[secret], SignatureScheme::V1);
        let lines = signed.iter().map(|(name, value)| format!("{name}: {}\r\n", value.to_str().expect("text")));
        let head = format!("POST /hooks HTTP/1.1\r\n{}", lines.collect::<String>());
        fs::write(folder.path().join("headers"), head).expect("written");
        fs::write(folder.path().join("body"), body).expect("written");
        Self(folder)
    }

    fn verify(&self, secret: &str) -> Output {
        let path = |name| self.0.path().join(name).display().to_string();
        let mut command = unibooks(&["webhook", "verify", "--body", &path("body"), "--headers", &path("headers")]);
        command.env("UNIBOOKS_WEBHOOK_SECRET", secret).output().expect("a process")
    }
}

#[test]
fn saved_delivery_is_verified_and_its_fault_named() {
    let printed = |saved: &Saved| String::from_utf8(saved.verify(SECRET).stdout).expect("UTF-8");
    let fresh = printed(&Saved::new(TimeDelta::zero(), BODY));
    assert!(fresh.starts_with("valid  sent at 20") && !fresh.contains("refuse"), "{fresh}");
    let old = printed(&Saved::new(TimeDelta::hours(1), BODY));
    assert!(old.starts_with("valid  ") && old.contains("receivers refuse it now"), "{old}");

    let other = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    for (body, secret, part) in [
        (BODY.to_owned(), other, "the secret is of another endpoint"),
        (format!("{BODY}\n"), SECRET, "line break"),
        (BODY.replace(':', ": "), SECRET, "parsed and written again"),
        (BODY.replace('1', "2"), SECRET, "was changed"),
        (BODY.to_owned(), "hunter2", "is not `whsec_`"),
    ] {
        let line = one_line(&Saved::new(TimeDelta::zero(), &body).verify(secret), 1);
        assert!(line.contains(part) && !line.contains(secret), "{line}");
    }
}
