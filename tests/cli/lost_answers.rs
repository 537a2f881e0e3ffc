//! Lost answers and late writes: the client's answer is true even if the server lost the answer of the database.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::task::JoinSet;

use crate::link::{Link, Loss};
use crate::process::{Server, free_port, new_credentials, serve_command};
use crate::support::postgres;
use crate::support::wait::until;

/// A new session prepares a statement before it runs it: one message that passes before the loss.
const PREPARED: u32 = 1;

/// A client of a server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    payments: String,
    key: String,
    token: String,
}

impl Client {
    pub fn new(server: &Server, [_, key, _, token]: [String; 4]) -> Self {
        let payments = format!("{}/accounting/payments", server.base);
        Self { http: reqwest::Client::new(), payments, key, token }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let request = request.header("x-api-key", &self.key).header("x-connection-token", &self.token);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    pub async fn create(&self, idempotency_key: Option<&str>) -> (u16, Value) {
        let mut request = self.http.post(&self.payments).json(&json!({ "total_amount": 1 }));
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        self.send(request).await
    }

    /// Creates two payments, so that the server's session has prepared both statements that write payments: the one for
    /// a payment with at most one line item, and the one for more. Later writes are then one message each.
    async fn prepare_writes(&self) -> Vec<Value> {
        let two_items = json!({ "total_amount": 1, "line_items": [{ "value": 1 }, { "value": 2 }] });
        let requests =
            [self.http.post(&self.payments).json(&two_items), self.http.post(&self.payments).json(&json!({}))];
        let mut payments = Vec::new();
        for request in requests {
            let (status, payment) = self.send(request).await;
            assert_eq!(status, 201, "{payment}");
            payments.push(payment);
        }
        payments
    }

    /// The status of reading the payment that an answer names.
    pub async fn read(&self, answer: &Value) -> u16 {
        let id = answer["payment_id"].as_str().expect("the id that it would have");
        self.send(self.http.get(format!("{}/{id}", self.payments))).await.0
    }

    async fn page(&self, query: &str) -> Value {
        let (status, page) = self.send(self.http.get(format!("{}?{query}", self.payments))).await;
        assert_eq!(status, 200, "{page}");
        page
    }
}

async fn stored(options: &PgConnectOptions) -> i64 {
    let mut connection = options.connect().await.expect("a connection");
    sqlx::query_scalar("select count(*) from payment").fetch_one(&mut connection).await.expect("a count")
}

/// A server with this timeout for statements, in seconds, and the link to its database.
async fn serve(timeout: &str) -> (PgConnectOptions, Link, Server, Client) {
    serve_with(&[("UNIBOOKS_DATABASE_TIMEOUT", timeout)]).await
}

async fn serve_with(settings: &[(&str, &str)]) -> (PgConnectOptions, Link, Server, Client) {
    let options = postgres::migrated().await;
    let link = Link::to(&options).await;
    let server = Server::serve_with(&link.url(&options), settings);
    let client = Client::new(&server, new_credentials(&postgres::url(&options).await));
    (options, link, server, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_payment_is_never_called_repeatable() {
    let (options, link, server, client) = serve("1").await;
    let codes = [
        ("FATAL", "08P01"),
        ("FATAL", "08006"),
        ("FATAL", "57P01"),
        ("FATAL", "53300"),
        ("FATAL", "40001"),
        ("FATAL", "25P04"),
        ("PANIC", "58030"),
        ("ERROR", "58000"),
        ("ERROR", "XX000"),
        ("ERROR", "08000"),
    ];
    assert_eq!(client.create(None).await.0, 201);
    let mut count = 1;
    for (severity, code) in codes {
        link.strike(Loss::Answer(severity, code), 0, "");
        let (status, answer) = client.create(None).await;
        assert!(link.has_struck(), "{severity} {code}");
        assert_eq!((status, &answer["code"]), (409, &json!("outcome_unknown")), "{severity} {code}: {answer}");
        assert_eq!(answer["retryable"], false);
        assert_eq!(client.read(&answer).await, 200, "{severity} {code}: it was stored");

        link.strike(Loss::Answer(severity, code), PREPARED, "");
        let key = format!("{severity}-{code}");
        let (status, answer) = client.create(Some(&key)).await;
        assert_eq!(status, 503, "{severity} {code}: {answer}");
        let (status, again) = client.create(Some(&key)).await;
        assert_eq!(status, 201, "{again}");
        count += 2;
        assert_eq!(stored(&options).await, count, "{severity} {code}: one payment for each call");
    }
    link.strike(Loss::Cut, 0, "");
    let (status, answer) = client.create(None).await;
    assert_eq!((status, client.read(&answer).await), (409, 200), "{answer}");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn statement_refused_by_postgres_is_retryable() {
    let (options, link, server, client) = serve("1").await;
    for code in ["40001", "40P01", "55P03", "57014", "53100", "25006"] {
        link.strike(Loss::Statement("ERROR", code), PREPARED, "");
        let (status, answer) = client.create(None).await;
        assert_eq!((status, &answer["retryable"]), (503, &json!(true)), "{code}: {answer}");
    }
    assert_eq!(stored(&options).await, 0);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_with_an_unknown_outcome_is_not_written_again() {
    let options = postgres::migrated().await;
    let link = Link::to(&options).await;
    let metrics = format!("127.0.0.1:{}", free_port());
    let settings = [("UNIBOOKS_METRICS_LISTEN", metrics.as_str())];
    let server = Server::start(serve_command(&link.url(&options), &settings));
    let client = Client::new(&server, new_credentials(&postgres::url(&options).await));
    client.prepare_writes().await;
    link.hold("");
    let queued = async || {
        let text =
            reqwest::get(format!("http://{metrics}/metrics")).await.expect("metrics").text().await.expect("text");
        let bytes = text.lines().find_map(|line| line.strip_prefix("unibooks_payment_queue_bytes "));
        bytes.expect("the queue").parse::<u64>().expect("a number")
    };
    let mut calls = JoinSet::new();
    let mut call = || {
        let client = client.clone();
        calls.spawn(async move { client.create(None).await });
    };
    // The first call is sent alone and waits on the link. The others wait in the queue.
    call();
    until("the first call waits", async || queued().await > 0).await;
    let one = queued().await;
    (1..10).for_each(|_| call());
    until("all calls wait", async || queued().await == 10 * one).await;
    link.strike(Loss::Answer("ERROR", "XX000"), 1, "");
    link.release();
    let answers = calls.join_all().await;
    let statuses: BTreeMap<u16, usize> = answers.iter().fold(BTreeMap::new(), |mut counts, (status, _)| {
        *counts.entry(*status).or_default() += 1;
        counts
    });
    assert_eq!(statuses, BTreeMap::from([(201, 1), (409, 9)]), "{answers:?}");
    for (_, answer) in answers.iter().filter(|(status, _)| *status == 409) {
        assert_eq!(client.read(answer).await, 200, "{answer}");
    }
    assert_eq!(stored(&options).await, 12);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn late_write_is_refused_by_the_database() {
    late(&[("UNIBOOKS_DATABASE_TIMEOUT", "1")], "").await;
}

/// Behind a pooler in transaction mode the commit is a separate statement.
#[tokio::test(flavor = "multi_thread")]
async fn late_commit_finds_its_transaction_ended() {
    late(&[("UNIBOOKS_DATABASE_TIMEOUT", "1"), ("UNIBOOKS_DATABASE_POOLING", "transaction")], "COMMIT").await;
}

/// Checks that a message with `needle` has no effect if it reaches the database after the time in the answer.
async fn late(settings: &[(&str, &str)], needle: &'static str) {
    let (options, link, server, client) = serve_with(settings).await;
    assert_eq!(client.create(None).await.0, 201);
    link.hold(needle);
    let (status, answer) = client.create(None).await;
    assert_eq!((status, &answer["code"]), (409, &json!("outcome_unknown")), "{answer}");
    assert!(answer["detail"].as_str().expect("a text").contains("Wait 3 seconds"), "{answer}");

    let mut connection: PgConnection = options.connect().await.expect("a connection");
    let clock = async |connection: &mut PgConnection| {
        let time = sqlx::query_scalar::<_, chrono::DateTime<chrono::Utc>>("select clock_timestamp()");
        time.fetch_one(connection).await.expect("a time")
    };
    let settled = clock(&mut connection).await + Duration::from_secs(3);
    until("the time in the answer is over", async || clock(&mut connection).await > settled).await;
    connection.close().await.expect("closed");
    link.release();
    link.until_ended(1).await;
    assert_eq!(client.read(&answer).await, 404, "a payment that is missing after that time never appears");
    assert_eq!(stored(&options).await, 1);
    assert_eq!(client.create(None).await.0, 201, "the next call succeeds");
    server.stop();
}

/// A poller as `docs/api/lists.md` describes it, beside a server whose link is so slow that payments wait for each other.
#[tokio::test(flavor = "multi_thread")]
async fn poller_sees_every_payment_once() {
    let (options, link, slow, client) = serve("2").await;
    let overlap = Duration::from_secs(3 * 2);
    let fast = Server::serve(&postgres::url(&options).await);
    let beside = Client { payments: client.payments.replace(&slow.base, &fast.base), ..client.clone() };

    let (mut seen, mut created) = (BTreeSet::new(), BTreeSet::new());
    created.extend(client.prepare_writes().await.iter().map(|payment| payment["id"].to_string()));
    link.slow_down(Duration::from_millis(1_400));
    let mut calls = JoinSet::new();
    for _ in 0..500 {
        let client = client.clone();
        calls.spawn(async move { client.create(None).await });
    }
    let mut newest: Option<chrono::DateTime<chrono::Utc>> = None;
    let mut is_last = false;
    while !is_last {
        is_last = calls.is_empty();
        while let Some(answered) = calls.try_join_next() {
            let (status, payment) = answered.expect("no panic");
            assert_eq!(status, 201, "{payment}");
            created.insert(payment["id"].to_string());
        }
        let (status, payment) = beside.create(None).await;
        assert_eq!(status, 201, "{payment}");
        created.insert(payment["id"].to_string());

        let since = newest.map(|time| format!("&created_after={}", (time - overlap).format("%FT%T%.6fZ")));
        let mut query = format!("limit=200{}", since.clone().unwrap_or_default());
        loop {
            let page = beside.page(&query).await;
            for payment in page["data"].as_array().expect("a page") {
                seen.insert(payment["id"].to_string());
                newest = newest.max(payment["created_at"].as_str().expect("a time").parse().ok());
            }
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            query = format!("limit=200{}&cursor={cursor}", since.clone().unwrap_or_default());
        }
    }
    let missed: Vec<_> = created.difference(&seen).collect();
    assert!(missed.is_empty(), "{} of {} payments were never seen", missed.len(), created.len());
    assert_eq!(seen.len(), created.len());
    fast.stop();
    slow.stop();
}
