//! Readers of the feed of events. They follow it by the cursor while everything else is killed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use uuid::Uuid;

const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);
/// The pause at the end of the feed.
const POLL_DELAY: Duration = Duration::from_millis(50);
const RETRY_DELAY: Duration = Duration::from_millis(10);
/// So long that only a defect of the server reaches it.
const PAGE_LIMIT: Duration = Duration::from_mins(2);

/// The event of a payment, as the feed has it.
#[derive(Debug, Clone, Copy)]
pub struct FeedEvent {
    pub id: Uuid,
    pub connection: Uuid,
    pub payment: Uuid,
    /// The number of the payment (`payments.rs`).
    pub number: u64,
}

impl fmt::Display for FeedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event {} of payment {}, number {}", self.id, self.payment, self.number)
    }
}

/// A reader of a project's feed, and what it has read so far.
pub struct FeedReader {
    http: reqwest::Client,
    url: String,
    credentials: HeaderMap,
    cursor: Option<String>,
    pub events: Vec<FeedEvent>,
}

/// A reader that follows.
pub struct Following {
    task: JoinHandle<anyhow::Result<FeedReader>>,
    is_stopping: Arc<AtomicBool>,
}

impl Following {
    /// Lets it read to the end.
    ///
    /// # Errors
    /// When the feed cannot be read.
    pub async fn finish(self) -> anyhow::Result<FeedReader> {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.task.await?
    }
}

impl FeedReader {
    /// A reader at the beginning of the feed.
    pub fn new(base_url: &str, credentials: HeaderMap) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(ANSWER_TIMEOUT).build()?;
        let url = format!("{base_url}/webhooks/events?type=accounting.payment.created&limit=200");
        Ok(Self { http, url, credentials, cursor: None, events: Vec::new() })
    }

    /// Goes on where it is.
    pub fn follow(mut self) -> Following {
        let is_stopping = Arc::new(AtomicBool::new(false));
        let is_last = Arc::clone(&is_stopping);
        let task = tokio::spawn(async move {
            loop {
                let is_last = is_last.load(Ordering::Relaxed);
                if self.read_page().await? {
                    continue;
                }
                if is_last {
                    return Ok(self);
                }
                sleep(POLL_DELAY).await;
            }
        });
        Following { task, is_stopping }
    }

    /// Reads a page, again and again until it is answered. Returns whether there are more.
    async fn read_page(&mut self) -> anyhow::Result<bool> {
        let started = Instant::now();
        let page = loop {
            match self.request_page().await {
                Ok((200, page)) => break page,
                Ok((503, _)) | Err(_) => {}
                Ok((status, page)) => anyhow::bail!("the feed was answered with {status}: {page}"),
            }
            ensure!(started.elapsed() < PAGE_LIMIT, "the feed was never answered");
            sleep(RETRY_DELAY).await;
        };
        let page: Value = serde_json::from_str(&page)?;
        for event in page["data"].as_array().context("no events")? {
            self.events.push(FeedEvent {
                id: id(&event["id_event"])?,
                connection: id(&event["id_connection"])?,
                payment: id(&event["data"]["id"])?,
                number: id(&event["data"]["invoice_id"])?.as_u64_pair().1,
            });
        }
        self.cursor = Some(page["next_cursor"].as_str().context("no cursor")?.to_owned());
        page["has_more"].as_bool().context("no `has_more`")
    }

    async fn request_page(&self) -> Result<(u16, String), reqwest::Error> {
        let cursor = self.cursor.iter().map(|cursor| format!("&cursor={cursor}"));
        let url = self.url.clone() + &cursor.collect::<String>();
        let response = self.http.get(url).headers(self.credentials.clone()).send().await?;
        Ok((response.status().as_u16(), response.text().await?))
    }
}

fn id(value: &Value) -> anyhow::Result<Uuid> {
    Ok(value.as_str().with_context(|| format!("not an id: {value}"))?.parse()?)
}
