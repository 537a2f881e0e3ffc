//! `unibooks connection reseal`

use clap::Args;

use super::software::needed_keys;
use crate::cli::database::DatabaseArguments;
use crate::cli::output;
use crate::config::ConnectorSettings;
use crate::management::connections;
use crate::webhooks::endpoints;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connectors: ConnectorSettings,
    #[command(flatten)]
    database: DatabaseArguments,
}

pub async fn run(Arguments { connectors, database }: Arguments) -> anyhow::Result<()> {
    let keys = needed_keys(connectors.sealing_keys()?)?;
    let operator = database.operator().await?;
    let connections = connections::reseal(&operator, &keys).await?;
    let webhooks = endpoints::reseal(&operator, &keys).await?;
    let (resealed, unchanged) = (connections.resealed + webhooks.resealed, connections.unchanged + webhooks.unchanged);
    output::line(format_args!("resealed   {resealed}\nunchanged  {unchanged}"))?;
    for (connection, error) in &connections.failed {
        output::line(format_args!("failed     {connection}: {error}"))?;
    }
    for (webhook, error) in &webhooks.failed {
        output::line(format_args!("failed     webhook {webhook}: {error}"))?;
    }
    let (credentials, secrets) = (connections.failed.len(), webhooks.failed.len());
    anyhow::ensure!(credentials == 0, "the credentials of {credentials} connections could not be opened");
    anyhow::ensure!(secrets == 0, "the secrets of {secrets} webhooks could not be opened");
    Ok(())
}
