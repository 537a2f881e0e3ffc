//! Request heads that HTTP/1.1 does not allow, sent as raw bytes to a real process.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::process::{Server, new_credentials};
use crate::support::app::PAYMENTS;
use crate::support::postgres;

/// Sends bytes and reads until the server closes the connection.
fn exchange(server: &Server, sent: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(server.base.trim_start_matches("http://")).expect("connected");
    stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a bound");
    stream.write_all(sent.as_ref()).expect("all of it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer, then the end");
    answer
}

/// The status and code of an answer that is exactly one problem document.
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

async fn serve() -> Server {
    Server::serve(&postgres::url(&postgres::migrated().await).await)
}

#[tokio::test]
async fn request_without_one_valid_host_is_refused() {
    let server = serve().await;
    let get = |lines: &str| exchange(&server, format!("GET /livez HTTP/1.1\r\n{lines}connection: close\r\n\r\n"));
    for lines in [
        "",
        "host: a.example\r\nhost: b.example\r\n",
        "host: a.example\r\nhost: a.example\r\n",
        "host:\r\n",
        "host: a.example b.example\r\n",
        "host: a.example, b.example\r\n",
        "host: a.example/path\r\n",
        "host: me@a.example\r\n",
        "host: a.example:http\r\n",
        "host: a.example:80:80\r\n",
        "host: a.example:65536\r\n",
        "host: :80\r\n",
        "host: [::1\r\n",
        "host: [a.example]\r\n",
        "host: a%2\r\n",
        "host: \u{e9}.example\r\n",
    ] {
        assert_eq!(problem(&get(lines)), (400, "malformed_request".to_owned()), "{lines:?}");
    }
    for host in ["a.example", "my_service:8080", "A-1.example:", "[2001:db8::1]:443", "127.0.0.1", "caf%C3%A9"] {
        let answer = get(&format!("Host: {host}\r\n"));
        assert!(answer.starts_with("HTTP/1.1 200"), "{host}: {answer}");
    }
    let old = exchange(&server, "GET /livez HTTP/1.0\r\n\r\n");
    assert!(old.starts_with("HTTP/1.0 200"), "HTTP/1.0 knows no Host: {old}");
    let absolute = exchange(&server, "GET http://a.example/livez HTTP/1.1\r\nconnection: close\r\n\r\n");
    assert_eq!(problem(&absolute).0, 400, "a whole URL does not replace the header");
    server.stop();
}

/// A proxy in front that finds the end of the body elsewhere would see another request inside.
#[tokio::test]
async fn transfer_coding_other_than_chunked_is_refused() {
    let server = serve().await;
    let hidden = "0\r\n\r\nGET /livez HTTP/1.1\r\nhost: test\r\n\r\n";
    let post =
        |lines: &str| exchange(&server, format!("POST {PAYMENTS} HTTP/1.1\r\nhost: test\r\n{lines}\r\n{hidden}"));
    for lines in [
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked, chunked\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: identity, chunked\r\n",
        "transfer-encoding: , chunked\r\n",
    ] {
        assert_eq!(problem(&post(lines)), (501, "unsupported_transfer_coding".to_owned()), "{lines:?}");
    }
    // If chunked is not the last coding, the body has no end.
    assert_eq!(problem(&post("transfer-encoding: gzip\r\n")), (400, "malformed_request".to_owned()));
    let chunked = post("Transfer-Encoding: Chunked\r\nconnection: close\r\n");
    assert!(chunked.starts_with("HTTP/1.1 401"), "{chunked}");
    server.stop();
}

#[tokio::test]
async fn refused_request_is_not_asked_for_its_body() {
    let url = postgres::url(&postgres::migrated().await).await;
    let [_, key, _, token] = new_credentials(&url);
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

#[tokio::test]
async fn malformed_head_gets_a_problem_document() {
    let mut server = serve().await;
    let many = |count| "x-many: 1\r\n".repeat(count);
    let head = "GET /livez HTTP/1.1\r\nhost: test\r\n";
    for (sent, status, code) in [
        ("GET /livez HTTP/1.1\r\nno colon\r\n\r\n".to_owned(), 400, "malformed_request"),
        ("GET /livez HTTP/3.0\r\nhost: test\r\n\r\n".to_owned(), 400, "malformed_request"),
        ("GET /a b HTTP/1.1\r\nhost: test\r\n\r\n".to_owned(), 400, "malformed_request"),
        ("\u{16}\u{3}\u{1} a client that speaks TLS\r\n\r\n".to_owned(), 400, "malformed_request"),
        (format!("{head}content-length: ten\r\n\r\n"), 400, "malformed_request"),
        (format!("{head}content-length: 1\r\ncontent-length: 2\r\n\r\n"), 400, "malformed_request"),
        (format!("{head}{}\r\n", many(100)), 431, "head_too_large"),
        (format!("{head}x-long: {}\r\n\r\n", "x".repeat(4_000_000)), 431, "head_too_large"),
        (format!("GET /{} HTTP/1.1\r\nhost: test\r\n\r\n", "x".repeat(4_000_000)), 431, "head_too_large"),
        (format!("GET /{} HTTP/1.1\r\nhost: test\r\n\r\n", "x".repeat(65_534)), 414, "uri_too_long"),
    ] {
        let start = &sent[..sent.len().min(200)];
        assert_eq!(problem(&exchange(&server, &sent)), (status, code.to_owned()), "{start:?}");
    }
    server.wait_for_log("answered");
    let line = server.wait_for_log("answered");
    assert_eq!((&line["status"], &line["span"]["code"]), (&400.into(), &"malformed_request".into()), "{line}");

    let as_many_as_allowed = exchange(&server, format!("{head}connection: close\r\n{}\r\n", many(98)));
    assert!(as_many_as_allowed.starts_with("HTTP/1.1 200"), "{as_many_as_allowed}");
    let second = exchange(&server, format!("{head}\r\nno request\r\n\r\n"));
    let (first, second) = second.split_at(second.rfind("HTTP/1.1 400").expect("two answers"));
    assert!(first.starts_with("HTTP/1.1 200"), "{first}");
    assert_eq!(problem(second), (400, "malformed_request".to_owned()));
    server.stop();
}
