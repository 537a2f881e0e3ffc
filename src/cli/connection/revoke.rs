//! `unibooks connection revoke`

use anyhow::Context;
use clap::Args;

use super::chosen::unknown;
use crate::cli::database::DatabaseArguments;
use crate::cli::output;
use crate::domain::{Clock, ConnectionId};
use crate::management::connections;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The connection's id, as `list` shows it
    id: ConnectionId,
    #[command(flatten)]
    database: DatabaseArguments,
}

pub async fn run(Arguments { id, database }: Arguments) -> anyhow::Result<()> {
    let exists = connections::revoke(&database.operator().await?, id, Clock::system().now()).await?;
    exists.then_some(()).with_context(|| unknown(id))?;
    output::line(format_args!("revoked  {id}"))
}
