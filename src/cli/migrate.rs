//! `unibooks migrate`

use super::database::DatabaseArguments;
use super::output;
use crate::db;
use crate::domain::Clock;

pub async fn run(database: DatabaseArguments) -> anyhow::Result<()> {
    db::prepare(&database.connect().await?, &Clock::system()).await?;
    output::line("the database is up to date")
}
