//! `unibooks connection reseal`

use clap::Args;

use super::software::needed_keys;
use crate::cli::database::DatabaseArguments;
use crate::cli::output;
use crate::config::ConnectorSettings;
use crate::management::connections::{self, Resealed};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connectors: ConnectorSettings,
    #[command(flatten)]
    database: DatabaseArguments,
}

pub async fn run(Arguments { connectors, database }: Arguments) -> anyhow::Result<()> {
    let keys = needed_keys(connectors.sealing_keys()?)?;
    let Resealed { resealed, unchanged, failed } = connections::reseal(&database.operator().await?, &keys).await?;
    output::line(format_args!("resealed   {resealed}\nunchanged  {unchanged}"))?;
    for (connection, error) in &failed {
        output::line(format_args!("failed     {connection}: {error}"))?;
    }
    anyhow::ensure!(failed.is_empty(), "the credentials of {} connections could not be opened", failed.len());
    Ok(())
}
