//! `unibooks migrate`

use super::database::DatabaseArguments;
use super::output;
use crate::db;
use crate::domain::Clock;

pub async fn run(console: DatabaseArguments) -> anyhow::Result<()> {
    db::prepare(&console.connect().await?, &Clock::system()).await?;
    output::line("the database is up to date")
}
