//! Connections to a real Tryton, made and changed at the command line.

use std::process::Output;

use serde_json::{Value, json};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;

use crate::process::{Server, free_port, one_line, printed_json, unibooks};
use crate::support::postgres;
use crate::support::tryton::Tryton;
use crate::support::wait::until;

const KEY: &str = "c2VhbGluZy1rZXktbWFya2VyLXNlYWxpbmcta2V5LTE=";

/// The command line, on a database of its own, beside the shared Tryton.
struct CommandLine {
    options: PgConnectOptions,
    url: String,
    project: String,
    tryton: &'static Tryton,
}

impl CommandLine {
    async fn new() -> Self {
        let options = postgres::migrated().await;
        let url = postgres::url(&options).await;
        let project =
            printed_json(&url, &["project", "create", "--name", "Books"])["id"].as_str().expect("id").to_owned();
        Self { options, url, project, tryton: Tryton::shared().await }
    }

    /// Runs `connection …` with this secret in the environment.
    fn run(&self, secret: Option<&str>, arguments: &[&str]) -> Output {
        let mut command = unibooks(&[&["connection"], arguments].concat());
        command.env("DATABASE_URL", &self.url).env("UNIBOOKS_SEALING_KEYS", KEY);
        command.env("UNIBOOKS_CONNECTOR_NETWORKS", "127.0.0.0/8").env("UNIBOOKS_LOG", "trace");
        command.envs(secret.map(|secret| ("UNIBOOKS_CONNECTION_SECRET", secret)));
        let output = command.output().expect("a process");
        for text in [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text)) {
            assert!(!text.contains(self.tryton.password()) && !text.contains(KEY), "{text}");
        }
        output
    }

    fn json(&self, secret: Option<&str>, arguments: &[&str]) -> Value {
        let output = self.run(secret, &[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// The last line of a command that must fail; the lines before it are its log.
    fn refusal(&self, secret: Option<&str>, arguments: &[&str]) -> String {
        let mut output = self.run(secret, arguments);
        let error = String::from_utf8(output.stderr).expect("UTF-8");
        output.stderr = error.lines().last().unwrap_or_default().as_bytes().to_vec();
        one_line(&output, 1)
    }

    /// The arguments of `create` for this database in Tryton.
    fn create<'a>(&'a self, url: &'a str) -> [&'a str; 11] {
        let Self { project, tryton, .. } = self;
        [
            "create",
            "--project",
            project,
            "--label",
            "Acme",
            "--provider",
            "tryton",
            "--url",
            url,
            "--login",
            tryton.login(),
        ]
    }

    fn tryton_url(&self) -> String {
        format!("{}/{}", self.tryton.url(), self.tryton.database())
    }

    fn only(&self) -> Value {
        self.json(None, &["list"])[0].clone()
    }

    async fn execute(&self, sql: &'static str) {
        let mut session = self.options.connect().await.expect("a session");
        sqlx::query(sql).execute(&mut session).await.expect("executed");
    }
}

#[tokio::test]
async fn connection_to_tryton_has_its_company_and_currency() {
    let line = CommandLine::new().await;
    let url = line.tryton_url();
    let made = line.json(Some(line.tryton.password()), &line.create(&url));
    assert!(made["connection_token"].as_str().is_some_and(|token| token.starts_with("ub_conn_")));
    assert_eq!(made["check"]["missing"], json!([]));
    let listed = line.only();
    let software = &listed["software"];
    assert_eq!(listed["id"], made["id"]);
    assert_eq!((&listed["provider"], &software["status"]), (&json!("tryton"), &json!("valid")));
    assert_eq!((&software["base_currency"], &software["company"]), (&json!("USD"), &json!("1")));
    assert!(software["version"].as_str().is_some_and(|version| version.starts_with("8.0")), "{software}");

    let id = made["id"].as_str().expect("an id");
    let checked = line.json(None, &["check", "--connection", id]);
    assert_eq!(checked["company"]["name"], software["company_name"]);
    assert_eq!((&checked["needs_setup"], &checked["missing"]), (&json!(false), &json!([])));
    assert_eq!(checked["capabilities"]["exactly_once"], "optimistic_lock");
    assert_eq!(line.json(None, &["setup", "--connection", id]), checked, "nothing is to be set up in Tryton");
    assert!(line.only()["software"]["checked_at"].as_str() > software["checked_at"].as_str());
}

#[tokio::test]
async fn credentials_are_tried_before_they_are_stored() {
    let line = CommandLine::new().await;
    let (url, password) = (line.tryton_url(), line.tryton.password());
    let other = format!("{}/no_such_books", line.tryton.url());
    let create = line.create(&url);
    for (secret, arguments, part) in [
        ("wrong", create.to_vec(), "refused the credentials"),
        (password, line.create(&other).to_vec(), "no database of this name"),
        (password, [&create[..], &["--company", "4711"]].concat(), "name one of these with --company: 1 ("),
        (password, create[..9].to_vec(), "--login"),
    ] {
        let refusal = line.refusal(Some(secret), &arguments);
        assert!(refusal.contains(part), "{refusal}");
    }
    assert_eq!(line.json(None, &["list"]), json!([]));
}

#[tokio::test]
async fn refused_credentials_need_others_that_were_tried() {
    let line = CommandLine::new().await;
    let url = line.tryton_url();
    let made = line.json(Some("wrong"), &[&line.create(&url)[..], &["--no-check"]].concat());
    let id = made["id"].as_str().expect("an id");
    assert!(line.refusal(None, &["check", "--connection", id]).contains("refused the credentials"));
    let software = line.only()["software"].clone();
    assert_eq!(
        (&software["status"], &software["status_reason"]),
        (&json!("needs_reauth"), &json!("credentials_refused"))
    );
    assert!(line.refusal(None, &["resume", "--connection", id]).contains("connection update"));

    let password = line.tryton.password();
    line.run(Some(password), &["update", "--connection", id, "--no-check"]);
    assert_eq!(line.only()["software"]["status"], "needs_reauth", "nobody has tried them yet");
    line.json(Some(password), &["update", "--connection", id, "--label", "Acme 2"]);
    let listed = line.only();
    assert_eq!((&listed["label"], &listed["software"]["status"]), (&json!("Acme 2"), &json!("valid")));
    assert_eq!((&listed["software"]["status_reason"], &listed["software"]["company"]), (&json!(null), &json!("1")));
}

#[tokio::test]
async fn other_books_are_a_new_connection() {
    let line = CommandLine::new().await;
    let url = line.tryton_url();
    let made = line.json(Some(line.tryton.password()), &line.create(&url));
    let id = made["id"].as_str().expect("an id");
    let slash = format!("{url}/");
    assert_eq!(line.json(None, &["update", "--connection", id, "--url", &slash])["missing"], json!([]));
    for other in [["--company", "2"], ["--database", "other"]] {
        let refusal = line.refusal(None, &[&["update", "--connection", id], &other[..]].concat());
        assert!(refusal.contains("is a new connection"), "{refusal}");
    }
    for other_before in [
        "update connection_software set company = '2', company_name = 'Second', url = 'http://127.0.0.1:1'",
        "update connection_software set company = '1', company_name = 'Second', url = 'http://127.0.0.1:1'",
        "update connection_software set company_name = 'Second', base_currency = 'EUR'",
    ] {
        line.execute(other_before).await;
        let refusal = line.refusal(None, &["update", "--connection", id, "--url", &url]);
        assert!(refusal.contains("not those of Second") && refusal.contains("is a new connection"), "{refusal}");
    }
    assert_eq!(line.only()["software"]["company_name"], "Second", "nothing was changed");
}

#[tokio::test]
async fn no_credential_of_a_connection_leaves_the_server() {
    let line = CommandLine::new().await;
    let password = line.tryton.password();
    let token = text(&line.json(Some(password), &line.create(&line.tryton_url()))["connection_token"]);
    let key = ["api-key", "create", "--project", &line.project, "--name", "Shop"];
    let key = text(&printed_json(&line.url, &key)["api_key"]);
    let metrics = format!("127.0.0.1:{}", free_port());
    let server = Server::serve_with(
        &line.url,
        &[
            ("UNIBOOKS_SEALING_KEYS", KEY),
            ("UNIBOOKS_CONNECTOR_NETWORKS", "127.0.0.0/8"),
            ("UNIBOOKS_METRICS_LISTEN", &metrics),
            ("UNIBOOKS_LOG", "trace"),
        ],
    );
    let get = async |path: &str| {
        let request = reqwest::Client::new().get(format!("{}{path}", server.base));
        let answer = request.header("x-api-key", &key).header("x-connection-token", &token).send().await;
        answer.expect("an answer").text().await.expect("a text")
    };
    until("its invoices are read", async || get("/accounting/invoices").await.contains("\"remote_id\"")).await;
    let counted =
        reqwest::get(format!("http://{metrics}/metrics")).await.expect("metrics").text().await.expect("a text");
    let mut shown = vec![counted, get("/connections/capabilities").await, get("/sync/status").await];
    for noun in ["contacts", "invoices", "accounts", "companyinfos"] {
        shown.push(get(&format!("/accounting/{noun}?remote_data=true&limit=100")).await);
    }
    server.signal("TERM");
    let (_, printed, log) = server.wait();
    assert!(log.iter().any(|line| line.contains("sqlx::query")), "the most verbose level was on");
    shown.extend([printed, log.join("\n")]);
    for text in shown {
        let revealing = text.lines().find(|line| line.contains(password) || line.contains(KEY));
        assert_eq!(revealing, None);
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
