//! What the commands of the console share: they work on the database and end.

use anyhow::Context;
use clap::Args;

use crate::auth::Operator;
use crate::config::{DatabaseSettings, DatabaseUrl};
use crate::db::{Database, DatabaseOptions};
use crate::domain::ProjectId;

/// The database to work on.
#[derive(Debug, Args)]
pub struct DatabaseArguments {
    #[command(flatten)]
    url: DatabaseUrl,
    #[command(flatten)]
    database: DatabaseSettings,
}

impl DatabaseArguments {
    /// Connects, whatever the state of the schema.
    pub async fn connect(&self) -> anyhow::Result<Database> {
        open(self.database.options(self.url.parse()?)).await
    }

    /// Connects as the person at the console, on a schema that is up to date.
    pub async fn operator(&self) -> anyhow::Result<Operator> {
        let database = self.connect().await?;
        database.check_ready().await.context("the database has not this version's schema; run `unibooks migrate`")?;
        Ok(Operator::from_cli(database))
    }
}

/// Connects to the database that the operator named.
pub async fn open(options: DatabaseOptions) -> anyhow::Result<Database> {
    Database::connect(options).await.context("the database of DATABASE_URL cannot be used")
}

/// What every list takes of what a project owns.
#[derive(Debug, Args)]
pub struct ListOfProject {
    /// Only those of this project
    #[arg(long, value_name = "ID")]
    pub project: Option<ProjectId>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub console: DatabaseArguments,
}
