//! Streams of events on real sockets, and `unibooks webhook listen`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::overload::{ask, connect, is_closed};
use crate::process::{Server, free_port, new_credentials, one_line, printed, printed_json, unibooks};
use crate::serve::create;
use crate::support::postgres;

const SECRET: &str = "whsec_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";

/// A project with a key that may read events: its id, the key and a connection's token.
struct Books {
    url: String,
    project: String,
    key: String,
    token: String,
}

impl Books {
    async fn new() -> Self {
        let url = postgres::url(&postgres::migrated().await).await;
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let project = text(&printed_json(&url, &["project", "create", "--name", "Books"])["id"]);
        let create = ["api-key", "create", "--project", &project, "--name", "Shop"];
        let scopes = ["--scope", "payments:write", "--scope", "webhooks:read"];
        let key = text(&printed_json(&url, &[&create[..], &scopes].concat())["api_key"]);
        let connection = ["connection", "create", "--project", &project, "--label", "Main"];
        let token = text(&printed_json(&url, &connection)["connection_token"]);
        Self { url, project, key, token }
    }

    /// Creates a payment, and returns its id.
    async fn pay(&self, server: &Server, amount: u32) -> String {
        let body = json!({"total_amount": amount, "currency": "EUR"});
        let answer = create(server, &self.key, &self.token).json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), 201);
        answer.json::<Value>().await.expect("JSON")["id"].as_str().expect("an id").to_owned()
    }
}

/// Reads a stream until this text has come.
async fn read_until(stream: &mut reqwest::Response, wanted: &str) {
    let mut text = String::new();
    while !text.contains(wanted) {
        let read = tokio::time::timeout(Duration::from_mins(1), stream.chunk()).await;
        let bytes = read.expect("something comes").expect("no fault").unwrap_or_else(|| panic!("ended after {text}"));
        text.push_str(std::str::from_utf8(&bytes).expect("UTF-8"));
    }
}

#[tokio::test]
async fn stream_outlives_the_timeouts_of_requests_and_sockets() {
    let books = Books::new().await;
    let short = [("UNIBOOKS_REQUEST_TIMEOUT", "1"), ("UNIBOOKS_KEEP_ALIVE_TIMEOUT", "1")];
    let server = Server::serve_with(&books.url, &short);
    let open = reqwest::Client::new().get(format!("{}/webhooks/events/stream", server.base));
    let mut stream = open.header("x-api-key", &books.key).send().await.expect("an answer");
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    read_until(&mut stream, "retry: 1000").await;
    // An idle socket that is opened later is closed when its time has passed.
    let idle = connect(&server);
    assert!(ask(&idle, "/").starts_with("HTTP/1.1 200"));
    assert!(is_closed(&idle));
    let id = books.pay(&server, 1).await;
    read_until(&mut stream, &id).await;
    // A soft stop ends it as a whole response, and does not wait for it.
    server.signal("TERM");
    while let Some(_bytes) = stream.chunk().await.expect("it is not cut off") {}
    let (status, _, log) = server.wait();
    assert!(status.success(), "{log:#?}");
}

#[tokio::test]
async fn socket_is_idle_after_its_stream() {
    let books = Books::new().await;
    let server = Server::serve_with(&books.url, &[("UNIBOOKS_KEEP_ALIVE_TIMEOUT", "1")]);
    let create = ["api-key", "create", "--project", &books.project, "--name", "Reader", "--scope", "webhooks:read"];
    let created = printed_json(&books.url, &create);
    let (id, key) = (created["id"].as_str().expect("an id"), created["api_key"].as_str().expect("a key"));
    let socket = connect(&server);
    write!(&socket, "GET /webhooks/events/stream HTTP/1.1\r\nhost: test\r\nx-api-key: {key}\r\n\r\n").expect("sent");
    let mut lines = BufReader::new(&socket).lines().map(|line| line.expect("a line"));
    assert!(lines.any(|line| line == "retry: 1000"));
    // The stream ends as a whole response, and the socket could serve the next request.
    printed(&books.url, &["api-key", "revoke", id]);
    assert!(lines.any(|line| line == "0"));
    assert_eq!(lines.next().as_deref(), Some(""));
    drop(lines);
    assert!(is_closed(&socket));
}

/// The program of a developer: passes on the id of each payment whose delivery is signed with [`SECRET`].
fn program() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/hooks", listener.local_addr().expect("an address"));
    let (sender, received) = channel();
    std::thread::spawn(move || {
        let webhook = Webhook::new(SECRET).expect("a secret");
        for stream in listener.incoming() {
            let mut stream = stream.expect("a socket");
            let (headers, body) = read_request(&stream);
            webhook.verify(&body, &headers).expect("a signature");
            let event: Value = serde_json::from_slice(&body).expect("JSON");
            // Before the answer: the test looks as soon as it has come.
            sender.send(event["data"]["id"].as_str().expect("an id").to_owned()).expect("a test that waits");
            write!(stream, "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").expect("answered");
        }
    });
    (url, received)
}

fn read_request(stream: &TcpStream) -> (axum::http::HeaderMap, Vec<u8>) {
    let mut stream = BufReader::new(stream);
    let mut headers = axum::http::HeaderMap::new();
    let mut line = String::new();
    stream.read_line(&mut line).expect("a request line");
    loop {
        line.clear();
        stream.read_line(&mut line).expect("a header");
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        let name: axum::http::HeaderName = name.parse().expect("a name");
        headers.insert(name, value.parse().expect("a value"));
    }
    let length = headers["content-length"].to_str().expect("text").parse().expect("a number");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("a body");
    (headers, body)
}

/// `webhook listen`, killed on drop, and the lines that it prints.
struct Listening {
    child: Child,
    lines: Receiver<String>,
}

impl Listening {
    fn start(books: &Books, arguments: &[&str]) -> Self {
        let mut command = unibooks(&[&["webhook", "listen", "--project", &books.project], arguments].concat());
        command.env("UNIBOOKS_API_KEY", &books.key).env("UNIBOOKS_WEBHOOK_SECRET", SECRET);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a process");
        let (line, lines) = channel();
        let read = |output: Box<dyn Read + Send>, line: std::sync::mpsc::Sender<String>| {
            std::thread::spawn(move || {
                let _ = BufReader::new(output).lines().map_while(Result::ok).try_for_each(|read| line.send(read));
            });
        };
        read(Box::new(child.stdout.take().expect("standard output")), line.clone());
        read(Box::new(child.stderr.take().expect("standard error")), line);
        Self { child, lines }
    }

    /// The next line that contains this text.
    fn line_with(&self, text: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(Duration::from_mins(1));
            let line = line.unwrap_or_else(|_| panic!("never printed {text:?}"));
            if line.contains(text) {
                return line;
            }
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test]
async fn listen_forwards_each_event_once_through_a_restart() {
    let books = Books::new().await;
    let address = format!("127.0.0.1:{}", free_port());
    let serve = || Server::serve_with(&books.url, &[("UNIBOOKS_LISTEN", &address)]);
    let server = serve();
    let (url, received) = program();
    let base = server.base.clone();
    let events = ["--server", &base, "--forward-to", &url, "--event", "accounting.payment.*"];
    let listening = Listening::start(&books, &events);
    assert_eq!(listening.line_with("secret"), format!("secret  {SECRET}"));
    listening.line_with("listening");
    let first = books.pay(&server, 1).await;
    assert!(listening.line_with("accounting.payment.created").ends_with(" ms"));
    server.stop();
    listening.line_with("the stream is opened again");
    let server = serve();
    let second = books.pay(&server, 2).await;
    listening.line_with("accounting.payment.created");
    assert_eq!(received.try_iter().collect::<Vec<_>>(), [first, second]);
}

#[tokio::test]
async fn listen_explains_why_it_cannot() {
    let books = Books::new().await;
    let [_, payments_only, ..] = new_credentials(&books.url);
    let server = Server::serve(&books.url);
    let listen = |key: &str, more: &[&str]| {
        let mut command = unibooks(&[&["webhook", "listen", "--server", &server.base], more].concat());
        one_line(&command.env("UNIBOOKS_API_KEY", key).output().expect("a process"), 1)
    };
    assert!(listen(&payments_only, &[]).contains("webhooks:read"));
    let of_another = listen(&books.key, &["--project", "01a21af0-fea6-7ce1-a682-30d0c5cfbc8a"]);
    assert!(of_another.contains("the API key is of another project"), "{of_another}");
    assert!(listen("uk_unknown", &["--forward-to", "http://a:b@127.0.0.1/"]).contains("--forward-to"));
}
