//! `unibooks serve`

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use super::demo;
use super::sealing::warn_of_missing_keys;
use crate::config::{ConnectorSettings, DatabaseSettings, DatabaseUrl, DemoSettings, ServerSettings, WebhookSettings};
use crate::db::{self, Database};
use crate::domain::Clock;
use crate::outgoing::Networks;
use crate::sealed::SealingKeys;
use crate::server::Server;

/// The time between two attempts to reach the database.
const RETRY_DELAY: Duration = Duration::from_millis(250);

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    url: DatabaseUrl,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    server: ServerSettings,
    #[command(flatten)]
    connectors: ConnectorSettings,
    #[command(flatten)]
    webhooks: WebhookSettings,
    #[command(flatten)]
    demo: DemoSettings,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let options = arguments.database.options(arguments.url.parse()?);
    // A wrong setting ends the start, and not the first call.
    let access = arguments.connectors.access(Networks::default())?;
    let keys = access.keys.clone();
    let remote = arguments.connectors.remote(access);
    let webhooks = arguments.webhooks.client(Networks::default())?;
    let server = Server::bind(arguments.server)?;
    let address = server.address()?;
    let database = Database::new(options);
    match prepare(&database, &arguments.demo, keys.as_ref(), address).await {
        Ok(()) => server.run(database, remote, webhooks).await,
        Err(error) if db::is_unavailable(&error) => {
            tracing::warn!(
                error = format!("{error:#}"),
                "the database is away: calls are answered with 503 until it is back"
            );
            tokio::select! {
                ended = server.run(database.clone(), remote, webhooks) => ended,
                // Once the database can be reached, a fault of it ends the server, as it would have at the start.
                Err(error) = prepare_when_reachable(&database, &arguments.demo, keys.as_ref(), address) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

async fn prepare(
    database: &Database,
    demo: &DemoSettings,
    keys: Option<&SealingKeys>,
    address: SocketAddr,
) -> anyhow::Result<()> {
    database.reach().await.context("the database of DATABASE_URL cannot be used")?;
    set_up(database, demo, keys, address).await
}

/// Brings the database up to date, opens it, and creates the demo project if one is configured.
async fn set_up(
    database: &Database,
    demo: &DemoSettings,
    keys: Option<&SealingKeys>,
    address: SocketAddr,
) -> anyhow::Result<()> {
    db::prepare(database, &Clock::system()).await?;
    database.open();
    warn_of_missing_keys(database, keys).await?;
    if let Some(file) = &demo.demo_file {
        demo::offer(database, file, address).await?;
    }
    Ok(())
}

async fn prepare_when_reachable(
    database: &Database,
    demo: &DemoSettings,
    keys: Option<&SealingKeys>,
    address: SocketAddr,
) -> anyhow::Result<()> {
    let mut last_logged = String::new();
    loop {
        tokio::time::sleep(RETRY_DELAY).await;
        if let Err(error) = database.reach().await {
            // A database that rejects us may still be starting, so this retries. A wrong pooler setting does not go away.
            if matches!(error, sqlx::Error::Configuration(_)) {
                return Err(error).context("the database of DATABASE_URL cannot be used");
            }
            let now = error.to_string();
            if now != last_logged {
                tracing::warn!(error = &error as &dyn std::error::Error, "the database is still away");
                last_logged = now;
            }
            continue;
        }
        match set_up(database, demo, keys, address).await {
            Err(error) if db::is_unavailable(&error) => {}
            done => return done.inspect(|()| tracing::info!("the database is back")),
        }
    }
}
