//! Correct clients: they send a payment under its key until it is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::clients::Clients;
use crate::history::{History, Outcome};
use crate::payments::{Delivery, TestPayment};
use crate::tenant::Tenant;
use crate::testbed::Testbed;

/// Longer than the server takes to answer 503 itself. A client gives up only on a request that was cut off.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);
const RETRY_DELAY: Duration = Duration::from_millis(10);
/// So long that only a defect of the server reaches it.
const CREATE_LIMIT: Duration = Duration::from_mins(2);

/// Starts `count` clients.
pub fn start(count: u32, testbed: &Testbed, history: &Arc<History>) -> anyhow::Result<Clients> {
    let mut clients = Clients::default();
    for _ in 0..count {
        let client = Client::new(testbed)?;
        clients.start(|is_stopping| client.run(Arc::clone(history), is_stopping));
    }
    Ok(clients)
}

struct Client {
    http: reqwest::Client,
    url: String,
    /// The credentials of each tenant.
    credentials: Vec<HeaderMap>,
}

impl Client {
    fn new(testbed: &Testbed) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(ANSWER_TIMEOUT).build()?;
        let credentials = testbed.tenants.iter().map(Tenant::headers).collect::<Result<_, _>>()?;
        Ok(Self { http, url: format!("{}/accounting/payments", testbed.base_url()), credentials })
    }

    async fn run(self, history: Arc<History>, is_stopping: Arc<AtomicBool>) -> Vec<String> {
        let mut violations = Vec::new();
        while !is_stopping.load(Ordering::Relaxed) && violations.is_empty() {
            let payment = history.next_payment();
            let outcome = match payment.delivery {
                Delivery::Plain => self.create(&payment, &history).await,
                Delivery::Concurrent => {
                    let (one, other) = tokio::join!(self.create(&payment, &history), self.create(&payment, &history));
                    one.and(other)
                }
                Delivery::Abandoned(micros) => {
                    timeout(Duration::from_micros(micros), self.send(&payment)).await.ok();
                    self.create(&payment, &history).await
                }
                Delivery::Repeated => match self.create(&payment, &history).await {
                    Ok(()) => self.create(&payment, &history).await,
                    error => error,
                },
                Delivery::WithoutKey => self.create_once(&payment, &history).await,
            };
            violations.extend(outcome.err().map(|error| format!("{error:#}")));
        }
        violations
    }

    /// Sends a payment until it is answered with 201.
    async fn create(&self, payment: &TestPayment, history: &History) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            match self.send(payment).await {
                Ok((201, body)) => return history.record(payment, body).await,
                Ok((503, body)) if body.contains("\"code\":") => {}
                Ok((status, body)) => anyhow::bail!("{} was answered with {status}: {body}", payment.key),
                // Cut off: the next answer shows whether it is stored.
                Err(_) => {}
            }
            anyhow::ensure!(started.elapsed() < CREATE_LIMIT, "{} was never answered", payment.key);
            sleep(RETRY_DELAY).await;
        }
    }

    /// Sends a payment once, without a key.
    async fn create_once(&self, payment: &TestPayment, history: &History) -> anyhow::Result<()> {
        let outcome = match self.send(payment).await {
            Ok((201, body)) => return history.record(payment, body).await,
            Ok((409, body)) if body.contains("\"outcome_unknown\"") => {
                Outcome::Unknown(serde_json::from_str::<Value>(&body)?["payment_id"].as_str().map(str::to_owned))
            }
            Ok((503, body)) if body.contains("\"code\":") => Outcome::Refused,
            Ok((status, body)) => anyhow::bail!("{} was answered with {status}: {body}", payment.key),
            Err(_) => Outcome::Unknown(None),
        };
        history.record_without_key(payment, outcome).await
    }

    /// Sends a payment and returns status and body of a complete answer.
    async fn send(&self, payment: &TestPayment) -> Result<(u16, String), reqwest::Error> {
        let credentials = &self.credentials[payment.tenant()];
        let request = self.http.post(&self.url).headers(credentials.clone());
        let mut request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = payment.stored_key() {
            request = request.header(HeaderName::from_static("idempotency-key"), key);
        }
        let response = request.body(payment.body().to_string()).send().await?;
        Ok((response.status().as_u16(), response.text().await?))
    }
}
