//! Calls to other people's servers: which may be reached, what is read of an answer, and what an error says.

#[path = "outgoing/names.rs"]
mod names;
#[path = "outgoing/peer.rs"]
mod peer;

use std::time::Duration;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use futures_util::future::join_all;
use peer::{Peer, Then, answer, certificate, gzip};
use tokio::net::TcpListener;
use unibooks::outgoing::{Answer, BodyLimit, Client, Error, Kind, Options, Sent};

const LIMIT: usize = 64 * 1_024;
/// So long that only a fault reaches it.
const LONG: Duration = Duration::from_mins(1);

fn options(networks: &str) -> Options {
    Options {
        networks: networks.parse().expect("blocks"),
        ca_file: None,
        connect_timeout: LONG,
        networks_setting: "UNIBOOKS_CONNECTOR_NETWORKS",
        answer_limit: BodyLimit::Whole(LIMIT),
        max_idle_per_host: 2,
    }
}

fn client(networks: &str) -> Client {
    Client::new(&options(networks)).expect("a client")
}

fn local() -> Client {
    client("127.0.0.0/8")
}

fn headers() -> HeaderMap {
    [(AUTHORIZATION, HeaderValue::from_static("hunter2"))].into_iter().collect()
}

async fn post(client: &Client, url: &str) -> Result<Answer, Error> {
    client.post_json(url, &headers(), b"{\"password\":\"hunter2\"}", LONG).await
}

/// What an error says, after a look that it repeats no secret.
#[track_caller]
fn judged(result: Result<Answer, Error>) -> (Kind, Sent) {
    let error = result.expect_err("an error");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    (error.kind, error.sent)
}

async fn failure(client: &Client, url: &str) -> (Kind, Sent) {
    judged(post(client, url).await)
}

#[tokio::test]
async fn answer_has_status_headers_date_and_body() {
    let head = "HTTP/1.1 422 No\r\ndate: Thu, 26 Nov 2026 19:00:00 GMT\r\nx-own: 1\r\ncontent-length: 2\r\n\r\n";
    let peer = Peer::start(format!("{head}{{}}"), Then::Close).await;
    let answer = post(&local(), &peer.url("http", "127.0.0.1")).await.expect("an answer");
    assert_eq!(
        (answer.status.as_u16(), answer.headers["x-own"].as_bytes(), &*answer.body),
        (422, &b"1"[..], &b"{}"[..])
    );
    assert_eq!(answer.date.expect("a date").to_rfc3339(), "2026-11-26T19:00:00+00:00");
    let [request] = &peer.requests()[..] else { panic!("not one request: {:?}", peer.requests()) };
    assert!(request.starts_with("POST /path?key=hunter2 HTTP/1.1\r\n"), "{request}");
    for line in
        ["authorization: hunter2", "content-type: application/json", "accept-encoding: gzip", "user-agent: unibooks/"]
    {
        assert!(request.contains(line), "{line}: {request}");
    }
    assert!(request.ends_with("\r\n\r\n{\"password\":\"hunter2\"}"), "{request}");

    local().get(&peer.url("http", "127.0.0.1"), &headers(), LONG).await.expect("an answer");
    assert!(peer.requests()[1].starts_with("GET /path"), "{:?}", peer.requests());
}

#[tokio::test]
async fn redirect_is_answered_and_not_followed() {
    let other = Peer::start(answer("", b"{}"), Then::Close).await;
    for status in [301, 302, 303, 307, 308] {
        let location = other.url("http", "127.0.0.1");
        let redirect = format!("HTTP/1.1 {status} Away\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        let peer = Peer::start(redirect, Then::Close).await;
        let answer = post(&local(), &peer.url("http", "127.0.0.1")).await.expect("an answer");
        assert_eq!(answer.status.as_u16(), status);
    }
    assert_eq!(other.sockets(), 0);
}

#[tokio::test]
async fn loopback_is_called_under_no_name_unless_it_is_listed() {
    let peer = Peer::start(answer("", b"{}"), Then::Close).await;
    let public = client("");
    // The C library reads numbers as addresses, too. No certificate is for one.
    let numbers = ["127.1", "2130706433", "0x7f000001", "0"];
    let names = ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "[::1]", "[::]"];
    let over_https = names.map(|host| ("https", host));
    for (scheme, host) in numbers.iter().chain(&names).map(|host| ("http", *host)).chain(over_https) {
        let failure = failure(&public, &peer.url(scheme, host)).await;
        assert_eq!(failure, (Kind::NotAllowed, Sent::No), "{scheme} {host}");
    }
    assert_eq!(peer.sockets(), 0);
    for host in ["localhost", "127.0.0.1", "127.1", "2130706433", "[::ffff:127.0.0.1]"] {
        let answer = post(&local(), &peer.url("http", host)).await;
        assert!(answer.is_ok(), "{host}: {answer:?}");
    }
}

#[tokio::test]
async fn public_address_is_never_called_without_tls() {
    let error = local().get("http://192.31.196.1/", &headers(), LONG).await.expect_err("an error");
    assert_eq!((error.kind, error.sent), (Kind::NotAllowed, Sent::No));
    assert!(error.to_string().contains("over https only"), "{error}");
}

#[tokio::test]
async fn url_without_host_or_with_a_user_is_refused() {
    for url in [
        "https://me:hunter2@127.0.0.1/",
        "https://hunter2@127.0.0.1/",
        "ftp://127.0.0.1/hunter2",
        "/hunter2",
        "127.0.0.1/hunter2",
        "https://",
        "https:///hunter2",
        "http://a b/hunter2",
        "",
    ] {
        assert_eq!(failure(&local(), url).await, (Kind::InvalidUrl, Sent::No), "{url}");
    }
}

#[tokio::test]
async fn body_above_the_limit_is_not_read() {
    let body = vec![b' '; LIMIT];
    let url = |peer: &Peer| peer.url("http", "127.0.0.1");
    let largest = Peer::start(answer("", &body), Then::Close).await;
    assert_eq!(post(&local(), &url(&largest)).await.expect("an answer").body.len(), LIMIT);
    let larger = Peer::start(answer("", &[&body[..], b" "].concat()), Then::Close).await;
    assert_eq!(failure(&local(), &url(&larger)).await, (Kind::TooLarge, Sent::Maybe));
    // Its end never comes.
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffff\r\n";
    let endless = Peer::start([&head[..], &body, &body].concat(), Then::Stall).await;
    assert_eq!(failure(&local(), &url(&endless)).await, (Kind::TooLarge, Sent::Maybe));
}

#[tokio::test]
async fn compressed_body_is_undone_up_to_the_limit() {
    let url = |peer: &Peer| peer.url("http", "127.0.0.1");
    let peer = Peer::start(answer("content-encoding: gzip\r\n", &gzip(b"{}")), Then::Close).await;
    assert_eq!(&*post(&local(), &url(&peer)).await.expect("an answer").body, b"{}");
    let empty = Peer::start(answer("content-encoding: gzip\r\n", b""), Then::Close).await;
    assert_eq!(&*post(&local(), &url(&empty)).await.expect("an answer").body, b"");
    let bomb = gzip(&vec![0; 64 * LIMIT]);
    assert!(bomb.len() < LIMIT);
    let bomb = Peer::start(answer("content-encoding: gzip\r\n", &bomb), Then::Close).await;
    assert_eq!(failure(&local(), &url(&bomb)).await, (Kind::TooLarge, Sent::Maybe));
    for (encoding, body) in [("gzip", &b"{}"[..]), ("gzip", &gzip(b"{}")[..12]), ("br", b"{}"), ("gzip, gzip", b"{}")] {
        let peer = Peer::start(answer(&format!("content-encoding: {encoding}\r\n"), body), Then::Close).await;
        assert_eq!(failure(&local(), &url(&peer)).await, (Kind::Malformed, Sent::Maybe), "{encoding} {body:?}");
    }
}

#[tokio::test]
async fn beginning_of_an_answer_is_enough_where_the_status_counts() {
    let options = Options { answer_limit: BodyLimit::Beginning(4), ..options("127.0.0.0/8") };
    let client = Client::new(&options).expect("a client");
    let head = "HTTP/1.1 500 No\r\n";
    for (answer, then, body) in [
        (format!("{head}content-length: 4\r\n\r\n1234"), Then::Next, "1234"),
        (format!("{head}content-length: 5\r\n\r\n12345"), Then::Close, "1234"),
        (format!("{head}content-length: 9\r\n\r\n123"), Then::Close, "123"),
        (format!("{head}content-length: 9\r\n\r\n123"), Then::Stall, "123"),
        (format!("{head}transfer-encoding: chunked\r\n\r\nfffff\r\n12345"), Then::Stall, "1234"),
        (format!("{head}content-encoding: br\r\ncontent-length: 2\r\n\r\n??"), Then::Close, "??"),
    ] {
        let peer = Peer::start(answer.clone(), then).await;
        for _ in 0..2 {
            let read = client.get(&peer.url("http", "127.0.0.1"), &headers(), Duration::from_secs(2)).await;
            let read = read.expect("an answer");
            assert_eq!((read.status.as_u16(), &*read.body), (500, body.as_bytes()), "{answer}");
        }
        // Only a body that ended leaves a socket for the next call.
        assert_eq!(peer.sockets(), if matches!(then, Then::Next) { 1 } else { 2 }, "{answer}");
        assert!(peer.requests()[0].contains("accept-encoding: identity"));
    }
}

#[tokio::test]
async fn refusal_names_the_setting_that_lists_networks() {
    for setting in ["UNIBOOKS_CONNECTOR_NETWORKS", "UNIBOOKS_WEBHOOK_NETWORKS"] {
        let client = Client::new(&Options { networks_setting: setting, ..options("") }).expect("a client");
        for url in ["https://127.0.0.1/", "http://192.31.196.1/"] {
            let error = client.get(url, &headers(), LONG).await.expect_err("an error");
            assert!(error.to_string().ends_with(setting), "{error}");
        }
    }
}

#[tokio::test]
async fn stalled_server_may_have_received_the_request() {
    let begun = ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1234"];
    let client = local();
    join_all(begun.map(async |begun| {
        let peer = Peer::start(begun, Then::Stall).await;
        let result = client.get(&peer.url("http", "127.0.0.1"), &headers(), Duration::from_secs(2)).await;
        assert_eq!(judged(result), (Kind::Timeout, Sent::Maybe), "{begun}");
        assert_eq!(peer.requests().len(), 1);
    }))
    .await;
}

#[tokio::test]
async fn timeout_before_a_request_was_sent_says_so() {
    // It accepts sockets but never answers the greeting of TLS.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}/", silent.local_addr().expect("an address"));
    let short = Duration::from_millis(100);
    let connect = Client::new(&Options { connect_timeout: short, ..options("127.0.0.1") }).expect("a client");
    assert_eq!(judged(connect.get(&url, &headers(), LONG).await), (Kind::Timeout, Sent::No));
    assert_eq!(judged(local().get(&url, &headers(), short).await), (Kind::Timeout, Sent::No));
}

#[tokio::test]
async fn answer_that_is_cut_off_may_follow_a_received_request() {
    for (begun, kind) in [
        ("", Kind::Interrupted),
        ("HTTP/1.1 200 OK\r\ncontent-le", Kind::Interrupted),
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1234", Kind::Interrupted),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n1234\r\n", Kind::Interrupted),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", Kind::Malformed),
    ] {
        let peer = Peer::start(begun, Then::Close).await;
        assert_eq!(failure(&local(), &peer.url("http", "127.0.0.1")).await, (kind, Sent::Maybe), "{begun}");
    }
}

#[tokio::test]
async fn server_that_is_not_reached_received_nothing() {
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    assert_eq!(failure(&local(), &format!("http://{closed}/")).await, (Kind::NotConnected, Sent::No));
    assert_eq!(failure(&local(), "https://books.invalid/").await, (Kind::NotResolved, Sent::No));
}

#[tokio::test]
async fn unused_socket_serves_the_next_call() {
    let peer = Peer::start(answer("", b"{}"), Then::Next).await;
    let client = local();
    for _ in 0..3 {
        post(&client, &peer.url("http", "127.0.0.1")).await.expect("an answer");
    }
    assert_eq!((peer.sockets(), peer.requests().len()), (1, 3));
}

#[tokio::test]
async fn certificate_must_be_trusted_and_for_the_name() {
    let peer = Peer::start_tls(answer("", b"{}"), Then::Close).await;
    let trusting = |file: &str| Options { ca_file: Some(certificate(file)), ..options("127.0.0.1,::1") };
    let trusting_client = Client::new(&trusting("ca.pem")).expect("a client");
    assert_eq!(failure(&local(), &peer.url("https", "localhost")).await, (Kind::Tls, Sent::No));
    assert_eq!(failure(&trusting_client, &peer.url("https", "127.0.0.1")).await, (Kind::Tls, Sent::No));
    assert_eq!(peer.requests(), Vec::<String>::new());
    assert_eq!(&*post(&trusting_client, &peer.url("https", "localhost")).await.expect("an answer").body, b"{}");

    for file in ["server.key", "no-such-file"] {
        assert!(Client::new(&trusting(file)).is_err(), "{file}");
    }
}
