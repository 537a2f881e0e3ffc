//! `unibooks dev`: the server with its own Postgres and a demo project, for a first try and for development.

use std::path::Path;

use anyhow::Context;
use clap::Args;
use secrecy::ExposeSecret;

use super::sealing::warn_of_missing_keys;
use super::{demo, output, private_file};
use crate::config::{ConnectorSettings, DatabaseSettings, DevSettings, ServerSettings, WebhookSettings};
use crate::db::private::{Options, PrivatePostgres, default_data_dir};
use crate::db::{self, Database};
use crate::domain::Clock;
use crate::outgoing::{Client, LOOPBACK, Networks};
use crate::sealed::{self, SealingKeys};
use crate::server::Server;
use crate::sync;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    dev: DevSettings,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    server: ServerSettings,
    #[command(flatten)]
    connectors: ConnectorSettings,
    #[command(flatten)]
    webhooks: WebhookSettings,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    // The port first: when it is taken, no database is created.
    let server = Server::bind(arguments.server)?;
    let data_dir = match arguments.dev.data_dir {
        Some(folder) => std::path::absolute(folder)?,
        None => default_data_dir()?,
    };
    let options = Options { data_dir: data_dir.clone(), binaries: arguments.dev.postgres_bin, settings: Vec::new() };
    let access = arguments.connectors.access(Networks::loopback())?;
    let remote = arguments.connectors.remote(access);
    let webhooks = arguments.webhooks.client(Networks::loopback())?;
    let postgres = PrivatePostgres::start(options).await?;
    let result = serve(server, &postgres, &arguments.database, (remote, webhooks), &data_dir).await;
    // Also after an error: a Postgres that was shut down cleanly starts faster the next time.
    let stopped = postgres.stop().await;
    result?;
    Ok(stopped?)
}

async fn serve(
    server: Server,
    postgres: &PrivatePostgres,
    settings: &DatabaseSettings,
    (mut remote, webhooks): (sync::Settings, Client),
    data_dir: &Path,
) -> anyhow::Result<()> {
    let options = settings.options(postgres.connect_options());
    let database = Database::connect(options).await.context("the private Postgres does not answer")?;
    db::prepare(&database, &Clock::system()).await?;
    let key_file = data_dir.join("sealing.key");
    let keys_for_commands = if remote.access.keys.is_some() {
        String::new()
    } else {
        remote.access.keys = Some(own_sealing_key(&key_file)?);
        format!(" UNIBOOKS_SEALING_KEYS=\"$(cat {})\"", quoted(&key_file))
    };
    warn_of_missing_keys(&database, remote.access.keys.as_ref()).await?;
    output::line(format_args!("database  {}", postgres.url()))?;
    output::line(format_args!("data      {}", data_dir.display()))?;
    // What the commands need to work beside this server. The key itself is not printed: output ends up in logs.
    let networks = format!("UNIBOOKS_CONNECTOR_NETWORKS={LOOPBACK} UNIBOOKS_WEBHOOK_NETWORKS={LOOPBACK}");
    output::line(format_args!("commands  export DATABASE_URL='{}' {networks}{keys_for_commands}", postgres.url()))?;
    demo::offer(&database, &data_dir.join("demo.json"), server.address()?).await?;
    server.run(database, remote, webhooks).await
}

/// A path as a word of the shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

/// The sealing key in the data folder, which the first start makes. A file that cannot be read is never replaced: the
/// stored credentials would be lost with it.
fn own_sealing_key(file: &Path) -> anyhow::Result<SealingKeys> {
    let unusable = || format!("the sealing key in {} cannot be used", file.display());
    if let Some(text) = private_file::read(file).with_context(unusable)? {
        return String::from_utf8(text).unwrap_or_default().trim_end().parse().with_context(unusable);
    }
    let key = sealed::generate(&mut rand::rng());
    private_file::write(file, key.expose_secret().as_bytes()).with_context(unusable)?;
    key.expose_secret().parse().with_context(unusable)
}
