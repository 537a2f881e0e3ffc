//! Connections with accounting software, as far as nobody has to answer there. `tests/remote/` has the rest.

use std::fs;
use std::io::{Read, Write};
use std::process::{Output, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Row};
use tempfile::TempDir;

use crate::process::{Server, free_port, one_line, printed_json, unibooks, wait_until};
use crate::support::postgres;

const SECRET: &str = "connection-secret-marker";
const KEY: &str = "c2VhbGluZy1rZXktbWFya2VyLXNlYWxpbmcta2V5LTE=";
const NEW_KEY: &str = "c2VhbGluZy1rZXktbWFya2VyLXNlYWxpbmcta2V5LTI=";

/// The bytes of [`SECRET`] when it is sealed: with version, id of the key, nonce and tag.
const SEALED_LENGTH: i32 = 1 + 4 + 24 + 24 + 16;

/// A database with a project, and a folder with the secret in a file.
struct Books {
    options: PgConnectOptions,
    url: String,
    project: String,
    folder: TempDir,
}

impl Books {
    async fn new() -> Self {
        let options = postgres::migrated().await;
        let url = postgres::url(&options).await;
        let project =
            printed_json(&url, &["project", "create", "--name", "Books"])["id"].as_str().expect("id").to_owned();
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("secret"), format!("{SECRET}\n")).expect("written");
        Self { options, url, project, folder }
    }

    fn secret_file(&self) -> String {
        self.folder.path().join("secret").display().to_string()
    }

    /// Runs `connection …` with a sealing key, or with several.
    fn run(&self, keys: &str, arguments: &[&str]) -> Output {
        let mut command = unibooks(&[&["connection"], arguments].concat());
        command.env("DATABASE_URL", &self.url).env("UNIBOOKS_SEALING_KEYS", keys);
        command.output().expect("a process")
    }

    /// The arguments that make a connection to a Tryton at which nobody listens.
    fn create(&self) -> [String; 9] {
        let url = format!("http://127.0.0.1:{}/books", free_port());
        ["create", "--provider", "tryton", "--label", "Acme", "--project", &self.project, "--url", &url]
            .map(str::to_owned)
    }

    /// Makes a connection without a check.
    fn created(&self) -> Value {
        let create = self.create();
        let create: Vec<_> = create.iter().map(String::as_str).collect();
        let secret_file = self.secret_file();
        let more = ["--login", "unified", "--secret-file", &secret_file, "--no-check", "--json"];
        let output = self.run(KEY, &[&create[..], &more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// All columns of all rows of a table, as text.
    async fn dump(&self, table: &str) -> Vec<String> {
        let mut session = self.options.connect().await.expect("a session");
        let query = AssertSqlSafe(format!("select row_to_json(t)::text from {table} t"));
        let rows = sqlx::query(query).fetch_all(&mut session).await.expect("rows");
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The bytes of each sealed secret.
    async fn sealed_lengths(&self) -> Vec<i32> {
        let mut session = self.options.connect().await.expect("a session");
        let query = "select octet_length(sealed_secret) from connection_software";
        sqlx::query_scalar(query).fetch_all(&mut session).await.expect("rows")
    }

    async fn execute(&self, sql: &'static str) {
        let mut session = self.options.connect().await.expect("a session");
        sqlx::query(sql).execute(&mut session).await.expect("executed");
    }
}

#[tokio::test]
async fn what_cannot_work_is_refused_in_one_line() {
    let books = Books::new().await;
    let create = books.create();
    let create: Vec<_> = create.iter().map(String::as_str).collect();
    let secret_file = books.secret_file();
    let none = ["create", "--label", "Acme", "--project", &books.project];
    let signed_in = ["--login", "unified", "--secret-file", &secret_file];
    for (keys, arguments, code, part) in [
        ("", [&create[..], &signed_in].concat(), 1, "openssl rand -base64 32"),
        (KEY, [&create[..7], &signed_in].concat(), 1, "--provider tryton needs --url"),
        (KEY, [&create[..7], &["--url", "books.example"]].concat(), 1, "does not begin with https://host"),
        (KEY, [&create[..7], &["--url", "http://me:pw@books.example"]].concat(), 1, "a user or a password in it"),
        (KEY, create.clone(), 1, "name a file with --secret-file, or set UNIBOOKS_CONNECTION_SECRET"),
        (KEY, [&create[..], &["--secret-file", "/no-such-file"]].concat(), 1, "/no-such-file cannot be read"),
        (KEY, [&create[..], &["--secret-file", "/dev/null"]].concat(), 1, "is empty"),
        (KEY, [&create[..], &signed_in].concat(), 1, "UNIBOOKS_CONNECTOR_NETWORKS"),
        (KEY, [&none[..], &["--provider", "abacus"]].concat(), 2, "no such provider; write one of "),
        (KEY, [&none[..], &["--url", "https://books.example"]].concat(), 1, "--url is for connections with software"),
        (KEY, [&none[..], &["--no-check"]].concat(), 1, "--no-check is for connections with software"),
    ] {
        let line = one_line(&books.run(keys, &arguments), code);
        assert!(line.contains(part), "{arguments:?}: {line}");
        assert!(!line.contains("pw@"), "{line}");
    }
    assert_eq!(books.dump("connection").await, Vec::<String>::new(), "nothing is stored");
}

#[tokio::test]
async fn stored_secret_is_sealed_and_never_printed() {
    let books = Books::new().await;
    let made = books.created();
    assert_eq!((&made["provider"], &made["check"]), (&json!("tryton"), &json!(null)));
    let software = &made["software"];
    assert_eq!((&software["login"], &software["status"]), (&json!("unified"), &json!("valid")));
    let id = made["id"].as_str().expect("an id");
    let printed = [
        books.run(KEY, &["list"]),
        books.run(KEY, &["list", "--json"]),
        books.run(KEY, &["check", "--connection", id]),
        books.run("", &["check", "--connection", id]),
        books.run(NEW_KEY, &["check", "--connection", id]),
        books.run(KEY, &["pause", "--connection", id]),
    ];
    assert_eq!(books.sealed_lengths().await, [SEALED_LENGTH], "the line break is no part of the secret");
    let printed = printed.map(|output| String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8"));
    let rows = [books.dump("connection").await, books.dump("connection_software").await].concat();
    assert_eq!(rows.len(), 2);
    // As Postgres writes bytes.
    let hex = SECRET.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    for text in printed.iter().chain(&rows).chain([&made.to_string()]) {
        assert!(!text.contains(SECRET) && !text.contains(&hex) && !text.contains(KEY), "{text}");
    }
    assert!(printed[3].contains("UNIBOOKS_SEALING_KEYS is not set"), "{}", printed[3]);
    assert!(printed[4].contains("which is not among the sealing keys"), "{}", printed[4]);
}

#[tokio::test]
async fn paused_connection_stays_paused_until_it_is_resumed() {
    let books = Books::new().await;
    let id = books.created()["id"].as_str().expect("an id").to_owned();
    let status = || {
        let list: Value = serde_json::from_slice(&books.run(KEY, &["list", "--json"]).stdout).expect("JSON");
        list[0]["software"]["status"].as_str().expect("a status").to_owned()
    };
    for (command, expected) in [("pause", "paused"), ("pause", "paused"), ("resume", "valid"), ("resume", "valid")] {
        assert!(books.run(KEY, &[command, "--connection", &id]).status.success());
        assert_eq!(status(), expected);
        let table = String::from_utf8(books.run(KEY, &["list"]).stdout).expect("UTF-8");
        assert!(table.contains(&format!("Acme   tryton    -        {expected}")), "{table}");
    }
    books.execute("update connection_software set status = 'needs_reauth'").await;
    let line = one_line(&books.run(KEY, &["resume", "--connection", &id]), 1);
    assert!(line.contains("connection update"), "{line}");
    let other = printed_json(&books.url, &["connection", "create", "--project", &books.project, "--label", "None"]);
    let line = one_line(&books.run(KEY, &["pause", "--connection", other["id"].as_str().expect("an id")]), 1);
    assert!(line.contains("has no accounting software"), "{line}");
}

#[tokio::test]
async fn first_key_seals_every_credential_again() {
    let books = Books::new().await;
    books.created();
    books.created();
    let both = format!("{NEW_KEY},{KEY}");
    let said = |keys: &str| String::from_utf8(books.run(keys, &["reseal"]).stdout).expect("UTF-8");
    assert_eq!(said(&both), "resealed   2\nunchanged  0\n");
    assert_eq!(said(&both), "resealed   0\nunchanged  2\n");
    assert_eq!(said(NEW_KEY), "resealed   0\nunchanged  2\n");
    let output = books.run(KEY, &["reseal"]);
    assert_eq!(output.status.code(), Some(1), "the old key opens nothing any more");
    assert!(String::from_utf8_lossy(&output.stderr).contains("the credentials of 2 connections"));
}

#[tokio::test]
async fn credential_of_another_connection_does_not_open() {
    let books = Books::new().await;
    books.created();
    books.created();
    books
        .execute(
            "update connection_software mine set sealed_secret = other.sealed_secret
             from connection_software other where mine.connection_id < other.connection_id",
        )
        .await;
    let output = books.run(&format!("{NEW_KEY},{KEY}"), &["reseal"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("resealed   1") && said.contains("it belongs to another row"), "{said}");
}

#[tokio::test]
async fn start_says_which_credentials_cannot_be_opened() {
    let books = Books::new().await;
    books.created();
    for keys in ["", NEW_KEY] {
        let server = Server::serve_with(&books.url, &[("UNIBOOKS_SEALING_KEYS", keys)]);
        let line = server.log.iter().find(|line| line.contains("stored credentials cannot be opened"));
        let line: Value = serde_json::from_str(line.expect("it is said before it listens")).expect("JSON");
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["connections"], 1, "{line}");
        assert_eq!(line["key"].as_str().map(str::len), Some(8), "{line}");
        server.stop();
    }
    let server = Server::serve_with(&books.url, &[("UNIBOOKS_SEALING_KEYS", KEY)]);
    server.signal("TERM");
    let (_, _, log) = server.wait();
    assert!(!log.iter().any(|line| line.contains("stored credentials")), "{log:?}");
}

#[tokio::test]
async fn secret_is_asked_for_at_the_terminal_and_not_shown() {
    let books = Books::new().await;
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&controller).and_then(|()| unlockpt(&controller)).expect("a terminal");
    let name = ptsname(&controller, Vec::new()).expect("a name").into_string().expect("UTF-8");
    let terminal = fs::File::options().read(true).write(true).open(name).expect("a terminal");
    let echoes = || tcgetattr(&terminal).expect("a terminal").local_modes.contains(LocalModes::ECHO);
    assert!(echoes(), "a terminal shows what is typed");

    let create = books.create();
    let mut command = unibooks(&["connection"]);
    command.args(&create).args(["--login", "unified", "--no-check", "--json"]);
    command.env("DATABASE_URL", &books.url).env("UNIBOOKS_SEALING_KEYS", KEY);
    let stdin = Stdio::from(terminal.try_clone().expect("a terminal"));
    let child = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a process");
    wait_until("it asks", || !echoes());
    let mut keyboard = fs::File::from(controller);
    keyboard.write_all(format!("{SECRET}\n").as_bytes()).expect("typed");
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(echoes(), "the terminal is as it was");
    // When nobody else has the terminal, it answers what it has shown, or an error when that is nothing.
    drop((terminal, command));
    let mut shown = [0; 1_000];
    let count = keyboard.read(&mut shown).unwrap_or(0);
    assert_eq!(String::from_utf8_lossy(&shown[..count]), "");
    assert_eq!(books.sealed_lengths().await, [SEALED_LENGTH], "the line break is no part of the secret");
}
