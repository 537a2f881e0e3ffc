//! Receivers that do harm, to themselves or to others.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Row;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use unibooks::outgoing::Networks;

use crate::receiver::{Receiver, Reply, status};
use crate::site::Site;
use crate::support::wait::until;

const SILENT: usize = 300;

/// A server that writes these bytes to every caller, and closes; with none it resets.
async fn raw(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut buffer = [0; 16_384];
            let _ = socket.read(&mut buffer).await;
            let _ = socket.write_all(bytes).await;
        }
    });
    url
}

#[tokio::test]
async fn silent_endpoint_takes_nothing_from_others() {
    let site = Site::new().await;
    let silent = Receiver::answering(|_, _| Reply::Silence).await;
    // More than have places at a time.
    for _ in 0..SILENT {
        site.endpoint(&silent.url).await;
    }
    let receiver = Receiver::start().await;
    site.endpoint(&receiver.url).await;
    let _running = site.deliver();
    let mut paid = site.pay(&site.tenant, 1).await;
    until("the silent ones are called", async || silent.count() >= SILENT).await;
    paid.extend(site.pay(&site.tenant, 50).await);
    until("all have come", async || receiver.count() >= 51).await;
    assert_eq!(receiver.objects(), paid);
    assert_eq!(silent.count(), SILENT, "one call for the connection, at each endpoint");
}

#[tokio::test]
async fn status_decides_and_not_the_rest_of_the_answer() {
    let site = Site::new().await;
    for (answer, outcome) in [
        (&b"HTTP/1.1 204 Yes\r\n\r\n"[..], "204"),
        (b"HTTP/1.1 299 Yes\r\ncontent-length: 100\r\n\r\ncut off", "299"),
        (b"HTTP/1.1 200 Yes\r\ntransfer-encoding: chunked\r\n\r\nnonsense", "200"),
        (b"HTTP/1.1 301 Away\r\nlocation: http://127.0.0.1:1/\r\n\r\n", "301"),
        (b"HTTP/1.1 400 No\r\ncontent-length: 0\r\n\r\n", "400"),
        (b"", "interrupted"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "malformed_answer"),
    ] {
        let endpoint = site.endpoint(&raw(answer).await).await;
        let running = site.deliver();
        site.pay(&site.tenant, 1).await;
        site.stored(endpoint, 1).await;
        running.stop().await;
        assert_eq!(site.outcomes(endpoint).await, [outcome]);
        assert_eq!(site.open_retries(endpoint).await, usize::from(!outcome.starts_with('2')), "{outcome}");
        site.pause(endpoint).await;
    }
}

#[tokio::test]
async fn beginning_of_an_answer_is_kept() {
    let site = Site::new().await;
    let text = format!("no\0 \u{e9} {}", "x".repeat(100_000));
    let receiver = Receiver::answering(move |_, _| Reply::Answer(500, Vec::new(), text.clone())).await;
    let endpoint = site.endpoint(&receiver.url).await;
    let _running = site.deliver();
    site.pay(&site.tenant, 1).await;
    site.stored(endpoint, 1).await;
    let query = "select answer, duration_ms from webhook_attempt where project_id = $1 and endpoint_id = $2";
    let answer: String = site.rows(query, endpoint).await[0].get(0);
    assert!(answer.starts_with("no\u{fffd} \u{e9} xxx"), "{answer}");
    assert_eq!(answer.chars().filter(|letter| *letter == 'x').count(), 1_024 - 7);
}

#[tokio::test]
async fn private_address_is_refused_at_each_delivery() {
    let site = Site::new().await;
    let receiver = Receiver::start().await;
    let port = receiver.url.rsplit_once(':').expect("a port").1.to_owned();
    let addresses = ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1]", "127.1", "2130706433"];
    let mut endpoints = Vec::new();
    for host in addresses {
        endpoints.push((site.endpoint(&format!("http://{host}:{port}")).await, "address_not_allowed"));
    }
    endpoints.push((site.endpoint("http://books.invalid/").await, "name_not_resolved"));
    let public = site.deliver_from(&site.app.database, Networks::default());
    site.pay(&site.tenant, 1).await;
    for (endpoint, outcome) in &endpoints {
        site.stored(*endpoint, 1).await;
        assert_eq!(site.outcomes(*endpoint).await, [*outcome]);
    }
    assert_eq!(receiver.count(), 0);
    public.stop().await;
    // The same addresses are called where they are listed, and refused again where not.
    let local = site.deliver_from(&site.app.database, "127.0.0.0/8".parse().expect("a block"));
    site.pass(Duration::from_secs(6));
    site.stored(endpoints[2].0, 2).await;
    assert_eq!(site.outcomes(endpoints[2].0).await, ["address_not_allowed", "200"]);
    local.stop().await;
    let called = receiver.count();
    let _public = site.deliver_from(&site.app.database, Networks::default());
    site.pay(&site.tenant, 1).await;
    site.stored(endpoints[2].0, 3).await;
    assert_eq!(site.outcomes(endpoints[2].0).await[2], "address_not_allowed");
    assert_eq!(receiver.count(), called);
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let site = Site::new().await;
    let elsewhere = Receiver::start().await;
    let location = elsewhere.url.clone();
    let receiver = Receiver::answering(move |before, _| match before {
        0 => Reply::Answer(307, vec![("location", location.clone())], String::new()),
        _ => status(200),
    })
    .await;
    let endpoint = site.endpoint(&receiver.url).await;
    let _running = site.deliver();
    site.pay(&site.tenant, 1).await;
    site.stored(endpoint, 1).await;
    site.pass(Duration::from_secs(6));
    site.stored(endpoint, 2).await;
    assert_eq!(site.outcomes(endpoint).await, ["307", "200"]);
    assert_eq!(elsewhere.count(), 0);
}

#[tokio::test]
async fn answer_may_take_fifteen_seconds() {
    let site = Site::new().await;
    let permits = Arc::new(Semaphore::new(0));
    let own = Arc::clone(&permits);
    let receiver = Receiver::answering(move |_, _| Reply::Held(Arc::clone(&own), 200)).await;
    let endpoint = site.endpoint(&receiver.url).await;
    let _running = site.deliver();
    // The clock of the program moves on while a call is open.
    for (seconds, outcome) in [(14, "200"), (16, "timeout")] {
        let calls = receiver.count();
        site.pay(&site.tenant, 1).await;
        until("it is called", async || receiver.count() > calls).await;
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(seconds)).await;
        tokio::time::resume();
        if outcome == "200" {
            permits.add_permits(1);
        }
        site.stored(endpoint, calls + 1).await;
        assert_eq!(site.outcomes(endpoint).await[calls], outcome);
    }
}
