//! `unibooks migrate`

use clap::Args;

use super::database::DatabaseArguments;
use super::output;
use crate::db;
use crate::domain::Clock;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    database: DatabaseArguments,

    /// Distribute the tables over the nodes of Citus, by connection; see docs/scaling.md
    #[arg(long)]
    distributed: bool,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let database = arguments.database.connect().await?;
    db::prepare(&database, &Clock::system()).await?;
    if arguments.distributed {
        db::distribute(&database).await?;
    }
    output::line("the database is up to date")
}
