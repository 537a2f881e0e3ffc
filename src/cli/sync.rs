//! `unibooks sync run`

use clap::{Args, Subcommand};

use super::database::DatabaseArguments;
use super::output;
use crate::config::ConnectorSettings;
use crate::domain::ConnectionId;
use crate::outgoing::Networks;
use crate::sync::api::{ResourceStatus, SyncStatus};
use crate::sync::pull::pull_now;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read contacts, invoices and accounts of a connection from its accounting software now
    Run(Run),
}

#[derive(Debug, Args)]
pub struct Run {
    /// The connection's id, as `connection list` shows it
    #[arg(long, value_name = "ID")]
    connection: ConnectionId,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArguments,
    #[command(flatten)]
    connectors: ConnectorSettings,
}

pub async fn run(Command::Run(Run { connection, json, database, connectors }): Command) -> anyhow::Result<()> {
    let settings = connectors.remote(connectors.access(Networks::default())?);
    let job = pull_now(&database.operator().await?, connection, &settings.access, settings.interval).await?;
    let status = SyncStatus::of(job.scope()).await?;
    if json {
        return output::json(&status);
    }
    let row = |of: &ResourceStatus| {
        let why = of.error.as_ref().map_or_else(|| "-".to_owned(), |error| error.detail.clone());
        [of.resource.as_str().to_owned(), of.status.to_owned(), output::minute(of.last_synced_at), why]
    };
    output::table(["RESOURCE", "STATUS", "LAST SYNCED (UTC)", "WHY"], &status.data.iter().map(row).collect::<Vec<_>>())
}
