//! A stalled reader of the log: standard error is a pipe that is not read.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use serde_json::Value;

use crate::process::{Server, free_port, unibooks};
use crate::support::postgres;

/// The log filter: one line for each request, also for probes, and the report of dropped lines.
const LOG: &str = "off,unibooks::http::middleware::observe=debug,unibooks::telemetry=warn,unibooks::server=info";

/// A server, and the URL of its metrics.
fn server(url: &str) -> (Server, String) {
    let metrics = format!("127.0.0.1:{}", free_port());
    let mut command = unibooks(&["serve", "--listen", "127.0.0.1:0", "--metrics-listen", &metrics]);
    command.env("DATABASE_URL", url).env("UNIBOOKS_LOG", LOG);
    (Server::start(command), format!("http://{metrics}/metrics"))
}

/// A client with a timeout, in case the server does not answer.
fn client() -> Client {
    Client::builder().timeout(Duration::from_secs(20)).build().expect("a client")
}

async fn text_of(http: &Client, url: &str) -> String {
    let answer = http.get(url).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{url}: {}", answer.status());
    answer.text().await.expect("a text")
}

/// The number of dropped lines in the metrics.
async fn dropped(http: &Client, metrics: &str) -> u64 {
    let text = text_of(http, metrics).await;
    let value = text.lines().find_map(|line| line.strip_prefix("unibooks_log_lines_dropped_total "));
    value.unwrap_or_else(|| panic!("no such metric: {text}")).parse().expect("a number")
}

/// Sends requests until the server has dropped lines of its log. Returns the number of requests.
async fn ask_until_lines_are_dropped(server: &Server, metrics: &str) -> u64 {
    let http = client();
    assert_eq!(dropped(&http, metrics).await, 0, "the metric is there from the start");
    let probe = format!("{}/livez", server.base);
    let mut requests = 0;
    while dropped(&http, metrics).await == 0 {
        assert!(requests < 100_000, "the queue has no bound");
        for _ in 0..500 {
            text_of(&http, &probe).await;
        }
        requests += 500;
    }
    requests
}

#[tokio::test]
async fn stalled_log_reader_stops_no_answer() {
    let url = postgres::url(&postgres::migrated().await).await;
    let (mut server, metrics) = server(&url);
    let reading = Arc::clone(&server.reading);
    let stalled = reading.lock().await;
    let requests = ask_until_lines_are_dropped(&server, &metrics).await;

    drop(stalled);
    let notice = server.wait_for_log("log lines were dropped: the reader of the log is too slow");
    let missed = notice["lines"].as_u64().expect("a count");
    assert_eq!(missed, dropped(&client(), &metrics).await);
    server.signal("TERM");
    let (status, _, log) = server.wait();
    assert!(status.success(), "{status}");
    let lines = log.iter().map(|line| serde_json::from_str::<Value>(line).expect("a whole line"));
    let answered = lines.filter(|line| line["message"] == "answered").count() as u64;
    assert_eq!(answered + missed, requests, "each line is written or counted");
}

#[tokio::test]
async fn server_with_an_unread_log_stops_when_asked() {
    let url = postgres::url(&postgres::migrated().await).await;
    let (server, metrics) = server(&url);
    let reading = Arc::clone(&server.reading);
    let stalled = reading.lock().await;
    ask_until_lines_are_dropped(&server, &metrics).await;
    server.signal("TERM");
    let ended = server.wait_for_end();
    assert!(ended.success(), "{ended}");
    drop(stalled);
}
