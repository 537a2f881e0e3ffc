//! Large answers, and clients that do not read them, with a real process.

use std::collections::HashSet;
use std::io::{ErrorKind, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio::net::TcpSocket;
use uuid::Uuid;

use crate::process::{Server, new_credentials, printed_json, wait_until};
use crate::serve::create;
use crate::support::app::{PAYMENTS, small_payment};
use crate::support::postgres;

/// A tenant with a read-only key.
struct Reader {
    connection_id: String,
    token: String,
    key: String,
}

impl Reader {
    fn new(url: &str) -> Self {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let project = text(&printed_json(url, &["project", "create", "--name", "Books"])["id"]);
        let key = ["api-key", "create", "--project", &project, "--name", "Reader", "--read-only"];
        let key = text(&printed_json(url, &key)["api_key"]);
        let connection = printed_json(url, &["connection", "create", "--project", &project, "--label", "Main"]);
        Self { connection_id: text(&connection["id"]), token: text(&connection["connection_token"]), key }
    }

    /// Stores `count` payments of 1,000 empty line items.
    async fn fill(&self, options: &PgConnectOptions, count: i64) {
        let mut connection = options.connect().await.expect("a connection");
        // Skips the checks of foreign keys.
        sqlx::query("set session_replication_role = replica").execute(&mut connection).await.expect("a superuser");
        sqlx::query(
            "with stored as (
                 insert into payment (connection_id, id, created_at, modified_at)
                 select $1, lpad(to_hex(n), 32, '0')::uuid, now(), now() from generate_series(1::bigint, $2) n
                 returning connection_id, id
             )
             insert into payment_line_item (connection_id, payment_id, position, created_at, modified_at)
             select connection_id, id, position, now(), now() from stored, generate_series(0, 999) position",
        )
        .bind(self.connection_id.parse::<Uuid>().expect("an id"))
        .bind(count)
        .execute(&mut connection)
        .await
        .expect("filled");
        connection.close().await.expect("closed");
    }

    /// Sends many requests for pages on one client connection with a small window, and reads nothing.
    async fn ask_and_not_read(&self, server: &Server) -> TcpStream {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4_096).expect("a small window");
        let address = server.base.trim_start_matches("http://").parse().expect("an address");
        let stream = socket.connect(address).await.expect("connected").into_std().expect("a stream");
        stream.set_nonblocking(false).expect("blocking");
        let Self { key, token, .. } = self;
        let request = format!(
            "GET {PAYMENTS}?limit=200 HTTP/1.1\r\nhost: test\r\nx-api-key: {key}\r\nx-connection-token: {token}\r\n\r\n"
        );
        (&stream).write_all(request.repeat(5).as_bytes()).expect("sent");
        stream
    }
}

async fn list(server: &Server, key: &str, token: &str, query: &str) -> reqwest::Response {
    let request = reqwest::Client::new().get(format!("{}{PAYMENTS}?{query}", server.base));
    request.header("x-api-key", key).header("x-connection-token", token).send().await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unread_pages_hold_bounded_memory_and_harm_nobody() {
    let options = postgres::migrated().await;
    let url = postgres::url(&options).await;
    let reader = Reader::new(&url);
    reader.fill(&options, 20).await;
    let [_, key, _, token] = new_credentials(&url);
    // On a slow machine, lists must neither be refused while they wait for a session, nor clients that do not read be
    // disconnected, before the bound is reached.
    let settings = [("UNIBOOKS_DATABASE_TIMEOUT", "300"), ("UNIBOOKS_REQUEST_TIMEOUT", "900")];
    let server = Server::serve_with(&url, &settings);
    for _ in 0..5 {
        assert_eq!(create(&server, &key, &token).json(&small_payment()).send().await.expect("an answer").status(), 201);
    }
    let mut streams = Vec::new();
    for _ in 0..200 {
        streams.push(reader.ask_and_not_read(&server).await);
    }
    // The reader's key waits for its own lists, or gets `unavailable`, until there is no room for another page.
    let mut attempts = 0..500;
    loop {
        attempts.next().expect("the bound is reached");
        let answer = list(&server, &reader.key, &reader.token, "limit=200").await;
        if answer.status() == 503 {
            assert_eq!(answer.headers()["retry-after"], "1");
            if answer.json::<Value>().await.expect("JSON")["code"] == "overloaded" {
                break;
            }
        }
    }
    for call in 0..20 {
        let answer = list(&server, &key, &token, "limit=5").await;
        assert_eq!(answer.status(), 200, "list {call}");
        let many = json!({ "line_items": vec![json!({}); 1_000] });
        let answer = create(&server, &key, &token).json(&many).send().await.expect("an answer");
        assert_eq!(answer.status(), 201, "create {call}");
        assert_eq!(list(&server, &key, &token, "limit=200").await.status(), 200, "large list {call}");
    }
    assert!(server.peak_memory_kib() < 256 * 1_024, "{} KiB", server.peak_memory_kib());
    drop(streams);
}

#[tokio::test]
async fn client_that_does_not_read_is_disconnected() {
    let options = postgres::migrated().await;
    let url = postgres::url(&options).await;
    let reader = Reader::new(&url);
    reader.fill(&options, 4).await;
    // A client has two seconds for the next byte of an answer, and an hour until the next request.
    let settings = [("UNIBOOKS_REQUEST_TIMEOUT", "3"), ("UNIBOOKS_KEEP_ALIVE_TIMEOUT", "3600")];
    let server = Server::serve_with(&url, &settings);
    let stream = reader.ask_and_not_read(&server).await;
    wait_until("it is closed", || {
        let sent = (&stream).write(b"G");
        sent.is_err_and(|error| [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset].contains(&error.kind()))
    });
    server.stop();
}

#[tokio::test]
async fn paging_through_large_payments_shows_each_once() {
    let options = postgres::migrated().await;
    let url = postgres::url(&options).await;
    let reader = Reader::new(&url);
    reader.fill(&options, 200).await;
    let server = Server::serve(&url);
    let (mut seen, mut cursor, mut pages) = (HashSet::new(), String::new(), 0);
    loop {
        let answer = list(&server, &reader.key, &reader.token, &format!("limit=200{cursor}")).await;
        let text = answer.text().await.expect("a text");
        assert!(text.len() < 1_000_000, "{} bytes", text.len());
        let page: Value = serde_json::from_str(&text).expect("JSON");
        for payment in page["data"].as_array().expect("data") {
            assert!(seen.insert(payment["id"].as_str().expect("an id").to_owned()), "shown twice");
        }
        pages += 1;
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!((seen.len(), pages), (200, 100));
    assert!(server.peak_memory_kib() < 100 * 1_024, "{} KiB", server.peak_memory_kib());
    server.stop();
}
