//! A subscriber of a project: a webhook endpoint with its receiver, and a key that reads the feed.

use std::path::Path;

use reqwest::header::{HeaderMap, HeaderValue};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

use crate::feed::FeedReader;
use crate::receiver::Receiver;
use crate::tenant::{run_command, text};

/// A subscriber.
pub struct Subscriber {
    pub project: String,
    api_key: String,
    pub receiver: Receiver,
}

impl Subscriber {
    /// Makes an endpoint for the new payments of a project.
    pub async fn create(program: &Path, url: &str, project: &str, seed: u64) -> anyhow::Result<Self> {
        let run = |arguments: &[&str]| run_command(program, url, arguments);
        let key = ["api-key", "create", "--project", project, "--name", "Feed", "--scope", "webhooks:read"];
        let api_key = text(&run(&key)?, "api_key")?.to_owned();
        let receiver = Receiver::start(seed, |address| {
            let event = "accounting.payment.created";
            let webhook = ["webhook", "create", "--project", project, "--url", address, "--event", event];
            Ok(text(&run(&webhook)?, "secret")?.to_owned())
        });
        Ok(Self { project: project.to_owned(), api_key, receiver: receiver.await? })
    }

    /// A reader of the project's feed.
    pub fn reader(&self, base_url: &str) -> anyhow::Result<FeedReader> {
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", HeaderValue::from_str(&self.api_key)?);
        FeedReader::new(base_url, headers)
    }
}

/// Two days pass for deliveries while no server runs: the leases of a killed server end, and what waits for its next
/// attempt is due.
pub async fn let_time_pass(database: &PgConnectOptions) -> anyhow::Result<()> {
    let mut session = PgConnection::connect_with(database).await?;
    let statement = "update webhook_delivery set lease_until = lease_until - interval '2 days',
                                                 due_at = due_at - interval '2 days';
                     update webhook_retry set due_at = due_at - interval '2 days'";
    sqlx::raw_sql(statement).execute(&mut session).await?;
    Ok(session.close().await?)
}
