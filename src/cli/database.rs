//! How a command reaches the database: it connects, works and ends.

use anyhow::Context;
use clap::Args;

use crate::auth::Operator;
use crate::config::{DatabaseSettings, DatabaseUrl};
use crate::db::Database;

/// The database to work on.
#[derive(Debug, Args)]
pub struct DatabaseArguments {
    #[command(flatten)]
    url: DatabaseUrl,
    #[command(flatten)]
    settings: DatabaseSettings,
}

impl DatabaseArguments {
    /// Connects, also when the schema is not up to date.
    pub async fn connect(&self) -> anyhow::Result<Database> {
        let options = self.settings.options(self.url.parse()?);
        Database::connect(options).await.context("the database of DATABASE_URL cannot be used")
    }

    /// Connects as the person at the command line, on a schema that is up to date.
    pub async fn operator(&self) -> anyhow::Result<Operator> {
        let database = self.connect().await?;
        database.check_ready().await.context("the database has not this version's schema; run `unibooks migrate`")?;
        Ok(Operator::from_cli(database))
    }
}
