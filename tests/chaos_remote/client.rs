//! Correct clients: they send a payment under its key until it is answered with 201 or 422. One whose invoice is paid
//! by then is refused, and nothing is stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::bail;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use unibooks::domain::references::Resource;
use unibooks::domain::{Clock, ConnectionId};

use crate::clients::Clients;
use crate::history::{History, TestPayment};

/// So long that only a defect of the server reaches it.
const CREATE_LIMIT: Duration = Duration::from_mins(3);
/// Longer than the server takes to answer 503 itself.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
const RETRY_DELAY: Duration = Duration::from_millis(50);
/// The most that one payment pays, in cents. An invoice is of some times as much, so that the last ones are refused.
pub const MAX_CENTS: i64 = 400;

/// Whom clients speak to, and for whom.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The base URLs of the servers.
    pub servers: [String; 2],
    pub api_key: String,
    pub connection_id: ConnectionId,
    pub connection_token: String,
    /// The account that money is booked on.
    pub account_id: String,
}

/// Starts `count` clients that pay these invoices.
pub fn start(
    count: u32,
    caller: &Caller,
    invoices: &[i64],
    history: &Arc<History>,
    keys: &Arc<Keys>,
) -> anyhow::Result<Clients> {
    let mut clients = Clients::default();
    for _ in 0..count {
        let client = Client {
            http: reqwest::Client::builder().no_proxy().timeout(ANSWER_TIMEOUT).build()?,
            caller: caller.clone(),
            invoices: invoices.to_vec(),
            history: Arc::clone(history),
            keys: Arc::clone(keys),
        };
        clients.start(|is_stopping| client.run(is_stopping));
    }
    Ok(clients)
}

/// The idempotency keys of a run. The payment of a key follows from the seed.
#[derive(Debug)]
pub struct Keys {
    pub seed: u64,
    next: AtomicU64,
}

impl Keys {
    pub fn new(seed: u64) -> Self {
        Self { seed, next: AtomicU64::new(0) }
    }
}

struct Client {
    http: reqwest::Client,
    caller: Caller,
    invoices: Vec<i64>,
    history: Arc<History>,
    keys: Arc<Keys>,
}

impl Client {
    async fn run(self, is_stopping: Arc<AtomicBool>) -> Vec<String> {
        let mut violations = Vec::new();
        while !is_stopping.load(Ordering::Relaxed) && violations.is_empty() {
            let number = self.keys.next.fetch_add(1, Ordering::Relaxed);
            let mut rng = StdRng::seed_from_u64(self.keys.seed ^ number.rotate_left(32));
            let payment = TestPayment {
                key: format!("chaos-{}-{number}", self.keys.seed),
                invoice: self.invoices[rng.random_range(0..self.invoices.len())],
                cents: rng.random_range(1..=MAX_CENTS),
            };
            let first = rng.random_range(0..2);
            self.history.send(&payment);
            let outcome = match rng.random_range(0..4) {
                // Twins, on two servers.
                0 => {
                    let (one, other) = tokio::join!(self.create(&payment, 0), self.create(&payment, 1));
                    one.and(other)
                }
                // A client that gives up and comes again, to the other server.
                1 => {
                    let patience = Duration::from_millis(rng.random_range(1..300));
                    timeout(patience, self.send(&payment, first)).await.ok();
                    self.create(&payment, 1 - first).await
                }
                _ => self.create(&payment, first).await,
            };
            violations.extend(outcome.err().map(|error| format!("{error:#}")));
        }
        violations
    }

    /// Sends a payment until it is answered with 201 or 422.
    async fn create(&self, payment: &TestPayment, server: usize) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            match self.send(payment, server).await {
                Ok((201, body)) if body["id"].is_string() => break self.history.store(payment),
                // The software refused it, and it is stored.
                Ok((422, body)) if body["payment_id"].is_string() => break self.history.store(payment),
                Ok((422, body)) if body["errors"][0]["code"] == "not_payable" => break self.history.answer(),
                Ok((503, body)) if body["code"].is_string() => {}
                Ok((status, body)) => bail!("{} was answered with {status}: {body}", payment.key),
                // Cut off: the next answer shows whether it is stored.
                Err(_) => {}
            }
            if started.elapsed() > CREATE_LIMIT {
                bail!("{} was never answered", payment.key);
            }
            sleep(RETRY_DELAY).await;
        }
        Ok(())
    }

    /// Sends a payment and returns status and body of a complete answer.
    async fn send(&self, payment: &TestPayment, server: usize) -> anyhow::Result<(u16, Value)> {
        let Caller { servers, api_key, connection_id, connection_token, account_id } = &self.caller;
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", HeaderValue::from_str(api_key)?);
        headers.insert("x-connection-token", HeaderValue::from_str(connection_token)?);
        headers.insert("idempotency-key", HeaderValue::from_str(&payment.key)?);
        headers.insert("prefer", HeaderValue::from_static("wait=3"));
        let body = json!({
            "invoice_id": Resource::Invoice.id(*connection_id, &payment.invoice.into()),
            "account_id": account_id,
            "total_amount": payment.cents,
            "currency": "USD",
            "transaction_date": Clock::system().now().format("%Y-%m-%d").to_string(),
        });
        let url = format!("{}/accounting/payments", servers[server]);
        let response = self.http.post(url).headers(headers).json(&body).send().await?;
        Ok((response.status().as_u16(), response.json().await?))
    }
}
