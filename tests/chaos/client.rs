//! Clients behave as good clients do: they send a payment under its key until it is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::ledger::{Ledger, Outcome};
use crate::payments::{Manner, PaymentData};
use crate::tenant::Tenant;
use crate::world::World;

/// Longer than the server takes for its own 503, so that a client gives up only on what was cut off.
const ANSWER: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_millis(10);
/// Only a fault reaches it.
const AT_LAST: Duration = Duration::from_mins(2);

/// Clients at work.
pub struct Clients {
    at_work: JoinSet<Vec<String>>,
    going_home: Arc<AtomicBool>,
}

impl Clients {
    pub fn start(count: u32, world: &World, ledger: &Arc<Ledger>) -> anyhow::Result<Self> {
        let going_home = Arc::new(AtomicBool::new(false));
        let mut at_work = JoinSet::new();
        for _ in 0..count {
            let client = Client::new(world)?;
            at_work.spawn(client.work(Arc::clone(ledger), Arc::clone(&going_home)));
        }
        Ok(Self { at_work, going_home })
    }

    /// Lets them finish what they have begun: what they found wrong.
    pub async fn finish(mut self) -> Vec<String> {
        self.going_home.store(true, Ordering::Relaxed);
        let mut wrong = Vec::new();
        while let Some(client) = self.at_work.join_next().await {
            wrong.extend(client.unwrap_or_else(|panic| vec![format!("a client: {panic}")]));
        }
        wrong
    }
}

struct Client {
    http: reqwest::Client,
    url: String,
    /// The headers of each tenant.
    tenants: Vec<HeaderMap>,
}

impl Client {
    fn new(world: &World) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(ANSWER).build()?;
        let tenants = world.tenants.iter().map(Tenant::headers).collect::<Result<_, _>>()?;
        Ok(Self { http, url: format!("{}/accounting/payments", world.base()), tenants })
    }

    async fn work(self, ledger: Arc<Ledger>, going_home: Arc<AtomicBool>) -> Vec<String> {
        let mut wrong = Vec::new();
        while !going_home.load(Ordering::Relaxed) && wrong.is_empty() {
            let payment = ledger.next_payment();
            let outcome = match payment.manner {
                Manner::Plain => self.create(&payment, &ledger).await,
                Manner::Twins => {
                    let (one, other) = tokio::join!(self.create(&payment, &ledger), self.create(&payment, &ledger));
                    one.and(other)
                }
                Manner::Deserted(micros) => {
                    timeout(Duration::from_micros(micros), self.send(&payment)).await.ok();
                    self.create(&payment, &ledger).await
                }
                Manner::Repeated => match self.create(&payment, &ledger).await {
                    Ok(()) => self.create(&payment, &ledger).await,
                    wrong => wrong,
                },
                Manner::WithoutKey => self.create_once(&payment, &ledger).await,
            };
            wrong.extend(outcome.err().map(|error| format!("{error:#}")));
        }
        wrong
    }

    /// Sends a payment until it is answered with 201.
    async fn create(&self, payment: &PaymentData, ledger: &Ledger) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            match self.send(payment).await {
                Ok((201, body)) => return ledger.record(payment, body).await,
                Ok((503, body)) if body.contains("\"code\":") => {}
                Ok((status, body)) => anyhow::bail!("{} was answered with {status}: {body}", payment.key),
                // Cut off: the next answer shows whether it is stored.
                Err(_) => {}
            }
            anyhow::ensure!(started.elapsed() < AT_LAST, "{} was never answered", payment.key);
            sleep(PAUSE).await;
        }
    }

    /// Sends a payment once, without a key.
    async fn create_once(&self, payment: &PaymentData, ledger: &Ledger) -> anyhow::Result<()> {
        let outcome = match self.send(payment).await {
            Ok((201, body)) => return ledger.record(payment, body).await,
            Ok((409, body)) if body.contains("\"outcome_unknown\"") => {
                Outcome::Unknown(serde_json::from_str::<Value>(&body)?["payment_id"].as_str().map(str::to_owned))
            }
            Ok((503, body)) if body.contains("\"code\":") => Outcome::Refused,
            Ok((status, body)) => anyhow::bail!("{} was answered with {status}: {body}", payment.key),
            Err(_) => Outcome::Unknown(None),
        };
        ledger.record_without_key(payment, outcome).await
    }

    /// Status and body of an answer that arrived whole.
    async fn send(&self, payment: &PaymentData) -> Result<(u16, String), reqwest::Error> {
        let tenant = &self.tenants[payment.tenant()];
        let request = self.http.post(&self.url).headers(tenant.clone());
        let mut request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = payment.stored_key() {
            request = request.header(HeaderName::from_static("idempotency-key"), key);
        }
        let response = request.body(payment.body().to_string()).send().await?;
        Ok((response.status().as_u16(), response.text().await?))
    }
}
