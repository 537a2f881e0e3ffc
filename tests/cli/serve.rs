//! The command `serve`: a real process on a real socket.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::process::{Server, free_port, new_credentials, printed_json, run, unibooks};
use crate::support::app::{PAYMENTS, page_example, small_payment};
use crate::support::postgres;

/// A create call with this key and token.
pub fn create(server: &Server, key: &str, token: &str) -> reqwest::RequestBuilder {
    let client = reqwest::Client::new().post(format!("{}{PAYMENTS}", server.base));
    client.header("x-api-key", key).header("x-connection-token", token)
}

async fn status(request: reqwest::RequestBuilder) -> u16 {
    request.send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn key_works_from_its_creation_to_its_revocation() {
    let url = postgres::url(&postgres::migrated().await).await;
    let [key_id, key, connection_id, token] = new_credentials(&url);
    let mut server = Server::serve(&url);
    let answer = create(&server, &key, &token).json(&page_example()).send().await.expect("an answer");
    assert_eq!(answer.status(), 201);
    let line = server.wait_for_log("answered");
    assert_eq!(line["span"]["connection_id"], connection_id);

    assert!(run(&url, &["api-key", "revoke", &key_id]).status.success());
    let mut answers = 0..10_000;
    while status(create(&server, &key, &token).json(&small_payment())).await != 401 {
        answers.next().expect("it is refused without a restart");
    }
    server.signal("TERM");
    let (status, _, log) = server.wait();
    assert!(status.success());
    let log = log.join("\n");
    assert!(!log.contains(&key[8..]) && !log.contains(&token[9..]), "{log}");

    let used = |noun: &str| printed_json(&url, &[noun, "list"])[0]["last_used_at"].is_string();
    assert!(used("api-key") && used("connection"), "the last use is written at the latest when the server stops");
}

#[tokio::test]
async fn server_migrates_its_database_and_answers_the_healthcheck() {
    let url = postgres::url(&postgres::empty().await).await;
    let server = Server::serve(&url);
    let address = server.base.trim_start_matches("http://");
    let healthcheck = unibooks(&["healthcheck", "--listen", address]).output().expect("a process");
    assert!(healthcheck.status.success(), "{}", String::from_utf8_lossy(&healthcheck.stderr));
    server.stop();
}

#[tokio::test]
async fn public_url_setting_is_the_base_of_locations() {
    let url = postgres::url(&postgres::migrated().await).await;
    let [_, key, _, token] = new_credentials(&url);
    let server = Server::serve_with(&url, &[("UNIBOOKS_PUBLIC_URL", "https://api.example/books/")]);
    let created = create(&server, &key, &token).json(&small_payment()).send().await.expect("an answer");
    let location = created.headers()["location"].to_str().expect("a text").to_owned();
    let body: Value = created.json().await.expect("JSON");
    let id = body["id"].as_str().expect("an id");
    assert_eq!(location, format!("https://api.example/books{PAYMENTS}/{id}"));
    server.stop();
}

#[tokio::test]
async fn metrics_have_their_own_listener() {
    let url = postgres::url(&postgres::migrated().await).await;
    let port = free_port();
    let mut command = unibooks(&["serve", "--listen", "127.0.0.1:0", "--metrics-listen"]);
    let server = {
        command.arg(format!("127.0.0.1:{port}")).env("DATABASE_URL", &url);
        Server::start(command)
    };
    let get = async |address: String| reqwest::get(address).await.expect("an answer");
    assert_eq!(get(format!("{}/metrics", server.base)).await.status(), 404);
    for id in 0..3 {
        get(format!("{}{PAYMENTS}/{id}", server.base)).await;
    }
    let metrics = get(format!("http://127.0.0.1:{port}/metrics")).await.text().await.expect("a text");
    let count = r#"unibooks_http_requests_total{method="GET",route="/accounting/payments/{id}",status="401"} 3"#;
    assert!(metrics.contains(count), "{metrics}");
    assert!(metrics.contains("unibooks_http_request_duration_seconds_bucket"), "{metrics}");
    server.stop();
}

/// Sends the head of a create call. The server has asked for the body with 100 Continue.
pub fn begin(server: &Server, key: &str, token: &str, body: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(server.base.trim_start_matches("http://")).expect("connected");
    let length = body.len();
    write!(
        stream,
        "POST {PAYMENTS} HTTP/1.1\r\nhost: test\r\nx-api-key: {key}\r\nx-connection-token: {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\nexpect: 100-continue\r\n\r\n"
    )
    .expect("sent");
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).expect("an answer");
    assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
    stream.read_line(&mut line).expect("an empty line");
    stream
}

#[tokio::test]
async fn sigterm_finishes_open_requests_and_accepts_no_others() {
    let url = postgres::url(&postgres::migrated().await).await;
    let [_, key, _, token] = new_credentials(&url);
    let mut server = Server::serve(&url);
    let body = small_payment().to_string();
    let mut request = begin(&server, &key, &token, &body);
    server.signal("TERM");
    server.wait_for_log("stopping: no new client connections; a second signal ends at once");
    let address = server.base.trim_start_matches("http://").to_owned();
    crate::process::wait_until("no connection is accepted", || TcpStream::connect(&address).is_err());

    request.get_mut().write_all(body.as_bytes()).expect("sent");
    let mut answer = String::new();
    request.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    let (status, _, log) = server.wait();
    assert!(status.success(), "{status}");
    assert!(log.last().is_some_and(|line| line.contains("\"stopped\"")), "{log:#?}");
}

#[tokio::test]
async fn second_signal_ends_at_once() {
    let url = postgres::url(&postgres::migrated().await).await;
    let [_, key, _, token] = new_credentials(&url);
    let mut server = Server::serve(&url);
    let _request = begin(&server, &key, &token, "{}");
    server.signal("TERM");
    server.wait_for_log("stopping: no new client connections; a second signal ends at once");
    server.signal("INT");
    assert_eq!(server.wait().0.code(), Some(130));
}

#[tokio::test]
async fn shutdown_timeout_cuts_off_open_requests() {
    let url = postgres::url(&postgres::migrated().await).await;
    let [_, key, _, token] = new_credentials(&url);
    let mut command = unibooks(&["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"]);
    command.env("DATABASE_URL", &url).env("UNIBOOKS_SHUTDOWN_TIMEOUT", "1");
    let server = Server::start(command);
    let _request = begin(&server, &key, &token, "{}");
    server.signal("TERM");
    let (status, _, log) = server.wait();
    assert!(status.success(), "{log:#?}");
    assert!(log.iter().any(|line| line.contains("took too long")), "{log:#?}");
}

#[tokio::test]
async fn demo_file_has_a_command_that_stays_valid() {
    let url = postgres::url(&postgres::empty().await).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("demo.json");
    let listen = format!("127.0.0.1:{}", free_port());
    let start = || {
        let mut command = unibooks(&["serve", "--metrics-listen", "127.0.0.1:0"]);
        command.env("DATABASE_URL", &url).env("UNIBOOKS_LISTEN", &listen).env("UNIBOOKS_DEMO_FILE", &file);
        Server::start(command)
    };
    let server = start();
    let kept: Value = serde_json::from_slice(&fs::read(&file).expect("a file")).expect("JSON");
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    let (key, token) = (kept["api_key"].as_str().expect("a key"), kept["connection_token"].as_str().expect("a token"));
    assert_eq!(status(create(&server, key, token).json(&small_payment())).await, 201);
    let printed = server.stop();
    assert!(printed.contains(&format!("curl -i http://{listen}/accounting/payments")), "{printed}");
    assert!(printed.contains(key) && printed.contains(token), "{printed}");
    assert_eq!(start().stop(), printed);

    // A revoked key is replaced at the next start.
    let id = printed_json(&url, &["api-key", "list"])[0]["id"].clone();
    assert!(run(&url, &["api-key", "revoke", id.as_str().expect("an id")]).status.success());
    assert_ne!(start().stop(), printed);
}
