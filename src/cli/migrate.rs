//! `unibooks migrate`

use super::console::Console;
use super::output;
use crate::db;

pub async fn run(console: Console) -> anyhow::Result<()> {
    db::migrate(&console.connect().await?).await?;
    output::line("the database is up to date")
}
