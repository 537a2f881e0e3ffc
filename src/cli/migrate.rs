//! `unibooks migrate`

use anyhow::Context;
use clap::Args;

use super::output;
use crate::auth::Operator;
use crate::config::{DatabaseSettings, DatabaseUrl};
use crate::db::{self, Database};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    url: DatabaseUrl,
    #[command(flatten)]
    database: DatabaseSettings,
}

impl Arguments {
    /// Connects, for the commands that work on the database and end.
    pub async fn connect(&self) -> anyhow::Result<Database> {
        let options = self.database.options(self.url.parse()?);
        Database::connect(options).await.context("the database of DATABASE_URL cannot be used")
    }

    /// Connects as the person at the console, on a schema that is up to date.
    pub async fn operator(&self) -> anyhow::Result<Operator> {
        let database = self.connect().await?;
        database.check_ready().await.context("the database has not this version's schema; run `unibooks migrate`")?;
        Ok(Operator::at_the_console(database))
    }
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    db::migrate(&arguments.connect().await?).await?;
    output::line("the database is up to date")
}
