//! `unibooks dev`: the server with its own Postgres and a demo project, for a first try and for development.

use anyhow::Context;
use clap::Args;

use super::{demo, output};
use crate::config::{DatabaseSettings, DevSettings, ServerSettings};
use crate::db::private::{Options, PrivatePostgres, default_data_dir};
use crate::db::{self, Database};
use crate::domain::Clock;
use crate::server::Server;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    dev: DevSettings,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    server: ServerSettings,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    // The port first: when it is taken, no database is created.
    let server = Server::bind(arguments.server)?;
    let data_dir = match arguments.dev.data_dir {
        Some(folder) => std::path::absolute(folder)?,
        None => default_data_dir()?,
    };
    let options = Options { data_dir: data_dir.clone(), binaries: arguments.dev.postgres_bin, settings: Vec::new() };
    let postgres = PrivatePostgres::start(options).await?;
    let result = serve(server, &postgres, &arguments.database, &data_dir).await;
    // Also after an error: a Postgres that was shut down cleanly starts faster the next time.
    let stopped = postgres.stop().await;
    result?;
    Ok(stopped?)
}

async fn serve(
    server: Server,
    postgres: &PrivatePostgres,
    settings: &DatabaseSettings,
    data_dir: &std::path::Path,
) -> anyhow::Result<()> {
    let options = settings.options(postgres.connect_options());
    let database = Database::connect(options).await.context("the private Postgres does not answer")?;
    db::prepare(&database, &Clock::system()).await?;
    output::line(format_args!("database  {}", postgres.url()))?;
    output::line(format_args!("data      {}", data_dir.display()))?;
    demo::offer(&database, &data_dir.join("demo.json"), server.address()?).await?;
    server.run(database).await
}
