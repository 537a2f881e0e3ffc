//! `unibooks webhook …`

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Output;
use std::sync::mpsc;

use chrono::TimeDelta;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
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

/// A receiver on a thread of its own, which answers each call with a status and passes on its bytes.
fn receiver(status: &'static str) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/hooks", listener.local_addr().expect("an address"));
    let (sender, received) = mpsc::channel();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.expect("a socket");
            let mut text = String::new();
            // The body is compact JSON.
            while !text.ends_with("}\n") && !text.ends_with('}') {
                let mut bytes = [0; 4_096];
                let read = socket.read(&mut bytes).expect("bytes");
                text.push_str(std::str::from_utf8(&bytes[..read]).expect("UTF-8"));
            }
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            // Before the answer: the test looks as soon as it has come.
            sender.send(text).ok();
            socket.write_all(answer.as_bytes()).expect("answered");
        }
    });
    (url, received)
}

/// An endpoint at a URL; its id.
fn endpoint_at(project: &Project, url: &str) -> String {
    let created = project.json(&["create", "--url", url, "--event", "*"]);
    created["id_webhook_endpoint"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn test_call_says_what_came_of_it() {
    let project = Project::new().await;
    let (url, received) = receiver("204 No Content");
    let id = endpoint_at(&project, &url);
    let output = String::from_utf8(project.run(KEY, &["test", "--webhook", &id]).stdout).expect("UTF-8");
    assert!(output.starts_with("delivered  204 in "), "{output}");
    let call = received.recv().expect("a call");
    assert!(call.contains("webhook-signature: v1,") && call.contains("webhook_endpoint.test"), "{call}");
    assert_eq!(project.json(&["test", "--webhook", &id])["status"], 204);

    let (refusing, _received) = receiver("500 Internal Server Error");
    for (url, part) in [(refusing.as_str(), "500"), ("http://127.0.0.1:9/hooks", "not_connected")] {
        let line = one_line(&project.run(KEY, &["test", "--webhook", &endpoint_at(&project, url)]), 1);
        assert!(line.contains("did not take the event") && line.contains(part), "{line}");
    }
    let line = one_line(&project.run(KEY, &["test", "--webhook", &project.id]), 1);
    assert!(line.contains("see `webhook list`"), "{line}");
}

#[tokio::test]
async fn calls_of_an_endpoint_are_listed_the_latest_first() {
    let project = Project::new().await;
    let id = endpoint_at(&project, "http://127.0.0.1:9/hooks");
    let mut session = PgConnection::connect(&project.url).await.expect("connected");
    sqlx::query(
        "insert into webhook_attempt (project_id, endpoint_id, id, position, type, number, started_at, duration_ms,
                                      status, answer, error)
         select $1::uuid, $2::uuid, lpad(n::text, 32, '0')::uuid, n, 'connection.created', 1, '2026-12-01Z', 12,
                case when n = 1 then 200 end, case when n = 1 then '' end, case when n = 2 then 'timeout' end
         from generate_series(1, 2) n",
    )
    .bind(&project.id)
    .bind(&id)
    .execute(&mut session)
    .await
    .expect("calls");
    let listed = project.json(&["attempts", "--webhook", &id]);
    assert_eq!((&listed[0]["error"], &listed[1]["status"]), (&"timeout".into(), &200.into()));
    let table = String::from_utf8(project.run(KEY, &["attempts", "--webhook", &id, "--limit", "1"]).stdout);
    let table = table.expect("UTF-8");
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(table.contains("connection.created  1        timeout  12"), "{table}");
    let line = one_line(&project.run(KEY, &["attempts", "--webhook", &project.id]), 1);
    assert!(line.contains("see `webhook list`"), "{line}");
}

#[tokio::test]
async fn replay_is_asked_for_as_the_flags_say() {
    let project = Project::new().await;
    let id = endpoint_at(&project, "http://127.0.0.1:9/hooks");
    let flags = ["--since", "2026-11-26", "--until", "2026-11-27T08:00:00Z", "--event", "sync.*", "--only", "missing"];
    let asked = project.json(&[&["replay", "--webhook", &id][..], &flags].concat());
    let mut session = PgConnection::connect(&project.url).await.expect("connected");
    let query = "select id::text, since::text, until::text, event_types, selection from webhook_replay";
    let stored: (String, String, String, Vec<String>, String) =
        sqlx::query_as(query).fetch_one(&mut session).await.expect("a request");
    let (since, until) = ("2026-11-26 00:00:00+00".to_owned(), "2026-11-27 08:00:00+00".to_owned());
    let id_of = asked["id"].as_str().expect("an id").to_owned();
    assert_eq!(stored, (id_of, since, until, vec!["sync.*".to_owned()], "missing".to_owned()));
    for _ in 0..9 {
        let output = String::from_utf8(project.run(KEY, &["replay", "--webhook", &id]).stdout).expect("UTF-8");
        assert!(output.starts_with("requested  "), "{output}");
    }
    for (arguments, code, part) in [
        (vec!["replay", "--webhook", &id], 1, "wait until one of them has ended"),
        (vec!["replay", "--webhook", &project.id], 1, "see `webhook list`"),
        (vec!["replay", "--webhook", &id, "--only", "some"], 2, "`failed`, `missing` or `all`"),
    ] {
        let line = one_line(&project.run(KEY, &arguments), code);
        assert!(line.contains(part), "{arguments:?}: {line}");
    }
}
