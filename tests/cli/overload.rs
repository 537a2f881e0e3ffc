//! Slow clients, many clients and too many clients, with a real process.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{ConnectOptions, Connection};
use tokio::task::JoinSet;

use crate::process::{Server, new_credentials, wait_until};
use crate::serve::{begin, create};
use crate::support::app::{PAYMENTS, small_payment};
use crate::support::postgres;
use crate::support::wait::until;

/// A client connection from 127.0.0.1.
pub fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.base.trim_start_matches("http://")).expect("connected");
    stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a bound");
    stream
}

/// Sends a request on a kept connection and reads the whole answer.
pub fn ask(mut stream: &TcpStream, path: &str) -> String {
    write!(stream, "GET {path} HTTP/1.1\r\nhost: test\r\n\r\n").expect("sent");
    read_answer(stream)
}

/// Reads the head of an answer and then its body, whose length is in the head.
pub fn read_answer(stream: &TcpStream) -> String {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).expect("an answer"), 0, "broke off after {head:?}");
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    let mut body = vec![0; length.parse().expect("a number")];
    stream.read_exact(&mut body).expect("a body");
    head + &String::from_utf8(body).expect("UTF-8")
}

/// Whether the server closes the connection within the connection's read timeout.
pub fn is_closed(mut stream: &TcpStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(0) => true,
        Ok(_) => panic!("an answer to nothing"),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => false,
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => true,
            other => panic!("{other}"),
        },
    }
}

#[tokio::test]
async fn slow_head_is_cut_off_but_a_pause_between_requests_is_not() {
    let url = postgres::url(&postgres::migrated().await).await;
    // With this timeout a head may take two thirds of a second.
    let server = Server::serve_with(&url, &[("UNIBOOKS_REQUEST_TIMEOUT", "1")]);
    let kept = connect(&server);
    assert!(ask(&kept, "/livez").starts_with("HTTP/1.1 200"));

    let (silent, mut dripping) = (connect(&server), connect(&server));
    dripping.set_read_timeout(Some(Duration::from_millis(10))).expect("a bound");
    let endless = format!("GET {PAYMENTS} HTTP/1.1\r\nhost: test\r\nx-slow: {}", "x".repeat(6_000));
    // This client never stops sending, and is still cut off.
    let cut_off = endless.bytes().any(|byte| dripping.write_all(&[byte]).is_err() || is_closed(&dripping));
    assert!(cut_off, "a slow head is cut off");
    assert!(is_closed(&silent), "a silent client is cut off");

    assert!(ask(&kept, "/livez").starts_with("HTTP/1.1 200"), "a pause may be longer than a head may take");
    server.stop();
}

#[tokio::test]
async fn idle_connection_is_closed() {
    let url = postgres::url(&postgres::migrated().await).await;
    let server = Server::serve_with(&url, &[("UNIBOOKS_KEEP_ALIVE_TIMEOUT", "1")]);
    let kept = connect(&server);
    for _ in 0..2 {
        assert!(ask(&kept, "/livez").starts_with("HTTP/1.1 200"));
    }
    assert!(is_closed(&kept));
    server.stop();
}

/// The last timer of the connection runs out while the server is busy with the request.
#[tokio::test]
async fn idle_connection_is_closed_after_a_slow_answer() {
    let options = postgres::migrated().await;
    let settings = [("UNIBOOKS_KEEP_ALIVE_TIMEOUT", "1"), ("UNIBOOKS_REQUEST_TIMEOUT", "1")];
    let server = Server::serve_with(&postgres::url(&options).await, &settings);
    let mut holder = options.connect().await.expect("a connection");
    sqlx::raw_sql("begin; lock table _sqlx_migrations").execute(&mut holder).await.expect("locked");
    let kept = connect(&server);
    assert!(ask(&kept, "/readyz").starts_with("HTTP/1.1 503"));
    assert!(is_closed(&kept));
    holder.close().await.expect("closed");
    server.stop();
}

#[tokio::test]
async fn request_over_the_limit_is_refused_but_probes_are_not() {
    let options = postgres::migrated().await;
    let url = postgres::url(&options).await;
    let [_, key, _, token] = new_credentials(&url);
    let server = Server::serve_with(&url, &[("UNIBOOKS_MAX_REQUESTS", "1")]);
    let mut holder = options.connect().await.expect("a connection");
    sqlx::raw_sql("begin; lock table payment in share mode").execute(&mut holder).await.expect("locked");
    let first = tokio::spawn(create(&server, &key, &token).json(&small_payment()).send());
    let count = "select count(*) from pg_locks where not granted and relation = 'payment'::regclass
         and database = (select oid from pg_database where datname = current_database())";
    until("the first request holds the only place", async || {
        sqlx::query_scalar::<_, i64>(count).fetch_one(&mut holder).await.expect("a count") == 1
    })
    .await;

    let refused = create(&server, &key, &token).json(&small_payment()).send().await.expect("an answer");
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    let problem: Value = refused.json().await.expect("JSON");
    assert_eq!(problem["code"], "overloaded");
    for probe in ["/livez", "/readyz", "/health"] {
        assert!(ask(&connect(&server), probe).starts_with("HTTP/1.1 200"), "{probe}");
    }

    sqlx::raw_sql("commit").execute(&mut holder).await.expect("unlocked");
    holder.close().await.expect("closed");
    assert_eq!(first.await.expect("a task").expect("an answer").status(), 201);
    let mut answers = 0..10_000;
    while create(&server, &key, &token).json(&small_payment()).send().await.expect("an answer").status() != 201 {
        answers.next().expect("there is room again");
    }
    server.stop();
}

#[tokio::test]
async fn slow_bodies_of_one_key_do_not_block_another() {
    let url = postgres::url(&postgres::migrated().await).await;
    let [_, slow_key, _, slow_token] = new_credentials(&url);
    let [_, key, _, token] = new_credentials(&url);
    let server = Server::serve_with(&url, &[("UNIBOOKS_MAX_REQUESTS", "64")]);
    let slow: Vec<_> = (0..68).map(|_| begin(&server, &slow_key, &slow_token, "{}")).collect();
    for number in 0..25 {
        let answer = create(&server, &key, &token).json(&small_payment()).send().await.expect("an answer");
        assert_eq!(answer.status(), 201, "call {number}");
    }
    // A request gets its place after its body: with 64 places none of these 68 calls is refused.
    for (number, mut call) in slow.into_iter().enumerate() {
        call.get_mut().write_all(b"{}").expect("sent");
        let mut line = String::new();
        call.read_line(&mut line).expect("an answer");
        assert_eq!(line, "HTTP/1.1 201 Created\r\n", "slow call {number}");
    }
    server.stop();
}

#[tokio::test]
async fn connection_over_the_limit_gets_one_answer() {
    let url = postgres::url(&postgres::migrated().await).await;
    let server = Server::serve_with(&url, &[("UNIBOOKS_MAX_CLIENT_CONNECTIONS", "2")]);
    let kept = [connect(&server), connect(&server)];
    for mut stream in &kept {
        assert!(ask(stream, "/").starts_with("HTTP/1.1 200"));
        // The request stays unfinished, because an idle connection would make room.
        write!(stream, "GET / HTTP/1.1\r\n").expect("sent");
    }
    let third = connect(&server);
    let refused = ask(&third, "/");
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("connection: close"), "{refused}");
    assert!(refused.contains("\"overloaded\""), "{refused}");
    assert!(is_closed(&third));
    for probe in ["/livez", "/readyz"] {
        assert!(ask(&connect(&server), probe).starts_with("HTTP/1.1 200"), "{probe}");
    }
    for mut stream in &kept {
        write!(stream, "host: test\r\n\r\n").expect("sent");
        assert!(read_answer(stream).starts_with("HTTP/1.1 200"), "a connection within the limit stays open");
    }
    drop(kept);
    wait_until("there is room again", || ask(&connect(&server), "/").starts_with("HTTP/1.1 200"));
    server.stop();
}

/// The stopped server accepts nothing, like one that waits for a processor.
#[tokio::test]
async fn burst_of_400_clients_waits_in_the_kernel() {
    let url = postgres::url(&postgres::migrated().await).await;
    let server = Server::serve(&url);
    server.signal("STOP");
    let clients: Vec<_> = (0..400).map(|_| connect(&server)).collect();
    server.signal("CONT");
    for client in &clients {
        assert!(ask(client, "/livez").starts_with("HTTP/1.1 200"));
    }
    server.stop();
}

#[tokio::test]
async fn refusal_reaches_a_client_that_is_still_sending() {
    let url = postgres::url(&postgres::migrated().await).await;
    let server = Server::serve(&url);
    let mut stream = connect(&server);
    let body = vec![b' '; 8 * 1_024 * 1_024];
    let length = body.len();
    write!(stream, "POST {PAYMENTS} HTTP/1.1\r\nhost: test\r\ncontent-length: {length}\r\n\r\n").expect("sent");
    stream.write_all(&body).expect("all of it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("connection: close"), "{answer}");
    server.stop();
}

/// One client of many: creates one payment, on a new connection for each try, until the answer is not 503. Returns the
/// status and body of each answer.
async fn pay(request: reqwest::RequestBuilder, client: usize) -> Vec<(u16, Value)> {
    let request = request.header("idempotency-key", client.to_string());
    let mut answers = Vec::new();
    while answers.last().is_none_or(|(status, _)| *status == 503) {
        assert!(answers.len() < 10_000, "never let in");
        let answer = request.try_clone().expect("a body in memory").send().await.expect("an answer");
        answers.push((answer.status().as_u16(), answer.json().await.expect("JSON")));
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_times_too_many_clients_break_nothing() {
    let options = postgres::migrated().await;
    let url = postgres::url(&options).await;
    let [_, key, _, token] = new_credentials(&url);
    let limits = [
        ("UNIBOOKS_MAX_CLIENT_CONNECTIONS", "40"),
        ("UNIBOOKS_MAX_REQUESTS", "8"),
        ("UNIBOOKS_RATE_LIMIT", "300/86400"),
    ];
    let server = Server::serve_with(&url, &limits);
    let body = json!({ "total_amount": 1, "field_mappings": { "a": "x".repeat(60_000) } }).to_string();
    // One HTTP client for all, because making one is slow. It keeps no connection open.
    let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client");
    let request = http.post(format!("{}{PAYMENTS}", server.base)).header("content-type", "application/json");
    let request = request.header("x-api-key", &key).header("x-connection-token", &token).body(body);
    let mut clients: JoinSet<_> =
        (0..400).map(|client| pay(request.try_clone().expect("a body in memory"), client)).collect();
    let mut answers = Vec::new();
    while let Some(client) = clients.join_next().await {
        answers.extend(client.expect("a client"));
    }

    let mut connection = options.connect().await.expect("a connection");
    let mut stored: Vec<String> =
        sqlx::query_scalar("select id::text from payment").fetch_all(&mut connection).await.expect("rows");
    connection.close().await.expect("closed");
    let of = |status| answers.iter().filter(move |(code, _)| *code == status).map(|(_, said)| said);
    let mut acknowledged: Vec<_> = of(201).map(|said| said["id"].as_str().expect("an id").to_owned()).collect();
    stored.sort();
    acknowledged.sort();
    assert_eq!(stored, acknowledged, "each 201 is one payment, and there is no other");
    assert_eq!(acknowledged.len(), 300, "as many as the key may make");
    assert_eq!(of(429).count(), 100, "the others");
    assert!(of(429).all(|said| said["code"] == "rate_limited"));
    assert!(of(503).count() > 0 && of(503).all(|said| said["code"] == "overloaded"));
    assert_eq!(of(201).count() + of(429).count() + of(503).count(), answers.len(), "nothing else");
    assert!(server.peak_memory_kib() < 200 * 1_024, "{} KiB", server.peak_memory_kib());
    server.stop();
}

#[tokio::test]
async fn payment_of_100000_line_items_needs_bounded_memory() {
    let options = postgres::migrated().await;
    let url = postgres::url(&options).await;
    let [_, key, _, token] = new_credentials(&url);
    let limits = [
        ("UNIBOOKS_MAX_LINE_ITEMS", "100000"),
        ("UNIBOOKS_MAX_BODY_BYTES", "67108864"),
        ("UNIBOOKS_DATABASE_TIMEOUT", "60"),
        ("UNIBOOKS_REQUEST_TIMEOUT", "90"),
    ];
    let server = Server::serve_with(&url, &limits);
    let items = |count: usize| (0..count).map(|n| json!({ "name": "Net Income", "value": n })).collect::<Vec<_>>();
    let before = server.peak_memory_kib();
    let answer = create(&server, &key, &token).json(&json!({ "line_items": items(100_000) })).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 201);
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(body["line_items"].as_array().map(Vec::len), Some(100_000));

    let one_more = create(&server, &key, &token).json(&json!({ "line_items": items(100_001) })).send().await;
    assert_eq!(one_more.expect("an answer").status(), 422);
    // A small text with millions of values.
    let huge = format!("{{\"line_items\":[{}]}}", "0,".repeat(10_000_000) + "0");
    let request = create(&server, &key, &token).header("content-type", "application/json").body(huge);
    assert_eq!(request.send().await.expect("an answer").status(), 422);
    let grown = server.peak_memory_kib() - before;
    assert!(grown < 200 * 1_024, "{grown} KiB");

    let mut connection = options.connect().await.expect("a connection");
    let stored: i64 =
        sqlx::query_scalar("select count(*) from payment_line_item").fetch_one(&mut connection).await.expect("a count");
    connection.close().await.expect("closed");
    assert_eq!(stored, 100_000);
    server.stop();
}
