//! `unibooks serve`

use clap::Args;

use super::{console, demo};
use crate::config::{DatabaseSettings, DatabaseUrl, DemoSettings, ServerSettings};
use crate::db;
use crate::server::Server;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    url: DatabaseUrl,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    server: ServerSettings,
    #[command(flatten)]
    demo: DemoSettings,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let options = arguments.database.options(arguments.url.parse()?);
    let server = Server::bind(arguments.server).await?;
    let database = console::open(options).await?;
    db::migrate(&database).await?;
    if let Some(file) = &arguments.demo.demo_file {
        demo::offer(&database, file, server.address()?).await?;
    }
    server.run(database).await
}
