//! Heads of requests that HTTP/1.1 does not allow, sent as raw bytes to a real process.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::process::{Server, made_at_the_console};
use crate::support::app::PAYMENTS;
use crate::support::postgres;

/// Sends bytes and reads all that comes until the server closes the connection.
fn exchange(server: &Server, sent: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(server.base.trim_start_matches("http://")).expect("connected");
    stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a bound");
    stream.write_all(sent.as_ref()).expect("all of it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer, then the end");
    answer
}

/// The status and code of the one problem document that the answer is.
#[track_caller]
fn problem(answer: &str) -> (u16, String) {
    assert_eq!(answer.lines().filter(|line| line.starts_with("HTTP/1.1 ")).count(), 1, "one answer: {answer}");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let header = |name: &str| {
        let of_name: Vec<_> = head.lines().filter_map(|line| line.strip_prefix(&format!("{name}: "))).collect();
        assert_eq!(of_name.len(), 1, "{name}: {answer}");
        of_name[0].to_owned()
    };
    assert_eq!(header("content-type"), "application/problem+json");
    assert_eq!(header("content-length"), body.len().to_string());
    assert_eq!(header("connection"), "close");
    assert_eq!(header("cache-control"), "no-store");
    assert!(header("date").ends_with(" GMT"), "{answer}");
    let body: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(body["request_id"], header("x-request-id"));
    let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
    assert_eq!(body["status"], status);
    (status, body["code"].as_str().expect("a code").to_owned())
}

#[tokio::test]
async fn refused_request_is_not_asked_for_its_body() {
    let url = postgres::url(&postgres::migrated().await).await;
    let [_, key, _, token] = made_at_the_console(&url);
    let server = Server::serve(&url);
    let caller = format!("x-api-key: {key}\r\nx-connection-token: {token}\r\n");
    let json = "content-type: application/json\r\n";
    for (path, lines, status, code) in [
        (PAYMENTS, json.to_owned(), 401, "unauthenticated"),
        ("/nowhere", json.to_owned(), 404, "route_not_found"),
        ("/livez", json.to_owned(), 405, "method_not_allowed"),
        (PAYMENTS, caller.clone(), 415, "unsupported_media_type"),
        (PAYMENTS, format!("{caller}{json}idempotency-key: \u{e9}\r\n"), 400, "invalid_idempotency_key"),
        (PAYMENTS, format!("{caller}{json}"), 413, "body_too_large"),
    ] {
        let head = format!("POST {path} HTTP/1.1\r\nhost: test\r\n{lines}content-length: 2000000\r\n");
        let answer = exchange(&server, format!("{head}expect: 100-continue\r\n\r\n"));
        assert_eq!(problem(&answer), (status, code.to_owned()), "{path} {lines}");
    }
    server.stop();
}
