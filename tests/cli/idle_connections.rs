//! Idle client connections make room for new ones, in a real process.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tokio::net::TcpSocket;

use crate::overload::{ask, connect, is_closed, read_answer};
use crate::process::Server;
use crate::support::postgres;

const ALL_OF_ONE: &str = "127.0.0.1";
const ANOTHER: &str = "127.0.0.2";

async fn server_with(settings: &[(&str, &str)]) -> Server {
    Server::serve_with(&postgres::url(&postgres::migrated().await).await, settings)
}

/// A client connection from one of the loopback addresses.
async fn connect_from(source: &str, server: &Server) -> TcpStream {
    connect_with_buffer(source, server, None).await
}

async fn connect_with_buffer(source: &str, server: &Server, buffer: Option<u32>) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    if let Some(bytes) = buffer {
        socket.set_recv_buffer_size(bytes).expect("a buffer");
    }
    socket.bind(SocketAddr::new(source.parse().expect("an address"), 0)).expect("a loopback address");
    let address = server.base.trim_start_matches("http://").parse().expect("an address");
    let stream = socket.connect(address).await.expect("connected").into_std().expect("a stream");
    stream.set_nonblocking(false).expect("blocking");
    stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a bound");
    stream
}

/// A client connection that has had an answer and is idle.
async fn idle_from(source: &str, server: &Server) -> TcpStream {
    let stream = connect_from(source, server).await;
    assert_served(&stream);
    stream
}

/// A client connection in the middle of its second request.
async fn busy_from(source: &str, server: &Server) -> TcpStream {
    let mut stream = idle_from(source, server).await;
    write!(stream, "GET / HTTP/1.1\r\n").expect("sent");
    stream
}

fn finish(mut stream: &TcpStream) -> String {
    write!(stream, "host: test\r\n\r\n").expect("sent");
    read_answer(stream)
}

#[track_caller]
fn assert_served(stream: &TcpStream) {
    let answer = ask(stream, "/");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[track_caller]
fn assert_refused(stream: &TcpStream) {
    let answer = ask(stream, "/");
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("\"overloaded\""), "{answer}");
}

#[tokio::test]
async fn longest_idle_connection_makes_room() {
    let server = server_with(&[("UNIBOOKS_MAX_CLIENT_CONNECTIONS", "4")]).await;
    let busy = busy_from(ALL_OF_ONE, &server).await;
    let [first, second, third] =
        [connect(&server), connect(&server), connect(&server)].map(|stream| (assert_served(&stream), stream).1);
    assert_served(&first);

    let other = idle_from(ANOTHER, &server).await;
    assert!(is_closed(&second), "it was idle for the longest time");
    let another = idle_from(ANOTHER, &server).await;
    assert!(is_closed(&third));
    assert!(finish(&busy).starts_with("HTTP/1.1 200"), "it is in the middle of a request");
    for stream in [&first, &other, &another] {
        assert_served(stream);
    }
    server.stop();
}

#[tokio::test]
async fn connection_with_a_request_is_not_closed() {
    let server = server_with(&[("UNIBOOKS_MAX_CLIENT_CONNECTIONS", "2")]).await;
    let busy = [busy_from(ALL_OF_ONE, &server).await, busy_from(ALL_OF_ONE, &server).await];
    assert_refused(&connect_from(ANOTHER, &server).await);
    for stream in &busy {
        assert!(finish(stream).starts_with("HTTP/1.1 200"));
    }
    let new = idle_from(ANOTHER, &server).await;
    assert!(is_closed(&busy[0]), "now it is idle");
    assert_served(&new);
    server.stop();
}

#[tokio::test]
async fn connection_with_an_answer_is_not_closed() {
    const ANSWERS: usize = 10;
    let server = server_with(&[("UNIBOOKS_MAX_CLIENT_CONNECTIONS", "1")]).await;
    let mut reader = connect_with_buffer(ALL_OF_ONE, &server, Some(4_096)).await;
    let request = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: test\r\n";
    let requests = format!("{request}\r\n").repeat(ANSWERS - 1);
    write!(reader, "{requests}{request}connection: close\r\n\r\n").expect("sent");
    // The answers have begun. They are larger than the socket buffers, so the server waits for the reader.
    reader.read_exact(&mut [0]).expect("an answer");
    // Many attempts, so that some of them come while the server waits.
    for host in 1..=100 {
        assert_refused(&connect_from(&format!("127.0.1.{host}"), &server).await);
    }
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).expect("all answers");
    assert!(rest.len() > 10_000_000, "{}", rest.len());
    let answers = String::from_utf8_lossy(&rest).matches("TTP/1.1 200 OK\r\n").count();
    assert_eq!(answers, ANSWERS);
    server.stop();
}

#[tokio::test]
async fn connection_of_an_address_with_few_is_not_closed() {
    let server = server_with(&[("UNIBOOKS_MAX_CLIENT_CONNECTIONS", "3")]).await;
    let _busy = [busy_from(ALL_OF_ONE, &server).await, busy_from(ALL_OF_ONE, &server).await];
    let idle = idle_from(ANOTHER, &server).await;
    assert_refused(&connect_from(ALL_OF_ONE, &server).await);
    assert_served(&idle);
    server.stop();
}

#[tokio::test]
async fn connections_of_a_trusted_proxy_are_not_closed() {
    let settings = [("UNIBOOKS_MAX_CLIENT_CONNECTIONS", "3"), ("UNIBOOKS_TRUSTED_PROXIES", ALL_OF_ONE)];
    let server = server_with(&settings).await;
    let proxy = [idle_from(ALL_OF_ONE, &server).await, idle_from(ALL_OF_ONE, &server).await];
    let first = idle_from(ANOTHER, &server).await;
    let second = idle_from(ANOTHER, &server).await;
    assert!(is_closed(&first), "its own address has most of the connections that may be closed");
    for stream in &proxy {
        assert_served(stream);
    }
    let third = idle_from(ALL_OF_ONE, &server).await;
    assert!(is_closed(&second), "a new connection of the proxy counts too");
    assert_refused(&connect_from(ANOTHER, &server).await);
    assert_served(&third);
    server.stop();
}

#[tokio::test]
async fn silent_connections_make_room() {
    // With this timeout a client may be silent for 400 seconds.
    let settings = [("UNIBOOKS_MAX_CLIENT_CONNECTIONS", "2"), ("UNIBOOKS_REQUEST_TIMEOUT", "600")];
    let server = server_with(&settings).await;
    let silent = [connect(&server), connect(&server)];
    let mut attempts = 0..6_000;
    while !ask(&connect_from(ANOTHER, &server).await, "/").starts_with("HTTP/1.1 200") {
        attempts.next().expect("a silent connection makes room in time");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(is_closed(&silent[0]));
    server.stop();
}
