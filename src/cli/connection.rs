//! `unibooks connection create|list|revoke`

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::credential::{self, CreateArguments, ListArguments};
use super::database::DatabaseArguments;
use super::output;
use crate::domain::{Clock, ConnectionId, DisplayName};
use crate::management::connections::{self, Connection, NewConnection, Provider};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a connection; its token is shown once
    Create(Create),
    /// List connections, without their tokens
    List(ListArguments),
    /// Revoke a connection's token, at once and for good; its payments stay
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub struct Create {
    /// What to call it
    #[arg(long)]
    label: DisplayName,
    /// The accounting software behind it
    #[arg(long, default_value = "none")]
    provider: Provider,
    #[command(flatten)]
    arguments: CreateArguments,
}

#[derive(Debug, Args)]
pub struct Revoke {
    /// The connection's id, as `list` shows it
    id: ConnectionId,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// A new connection with its token.
#[derive(Serialize)]
struct WithToken<'a> {
    connection_token: &'a str,
    #[serde(flatten)]
    connection: &'a Connection,
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create(Create { label, provider, arguments }) => create(label, provider, arguments).await,
        Command::List(ListArguments { project, json, database }) => {
            let connections = connections::list(&database.operator().await?, project).await?;
            if json { output::json(&connections) } else { table(&connections) }
        }
        Command::Revoke(Revoke { id, database }) => {
            let exists = connections::revoke(&database.operator().await?, id, Clock::system().now()).await?;
            exists.then_some(()).with_context(|| format!("there is no connection {id}; see `connection list`"))?;
            output::line(format_args!("revoked  {id}"))
        }
    }
}

async fn create(label: DisplayName, provider: Provider, arguments: CreateArguments) -> anyhow::Result<()> {
    let CreateArguments { project: project_id, expires_at, json, database } = arguments;
    anyhow::ensure!(matches!(provider, Provider::None), "connections with software cannot be created yet");
    let new = NewConnection { project_id, label, software: None, expires_at };
    let mut transaction = database.operator().await?.transaction().await?;
    let created = connections::create(&mut transaction, new, Clock::system().now()).await;
    let (connection, token) = created.map_err(credential::explain)?;
    transaction.commit().await?;
    if json {
        return output::json(&WithToken { connection_token: token.expose(), connection: &connection });
    }
    output::line(format_args!("id                {}\nconnection token  {}", connection.id, token.expose()))?;
    output::line("\nIt is not shown again.")
}

fn table(connections: &[Connection]) -> anyhow::Result<()> {
    let row = |connection: &Connection| {
        let [created, last_used, expires, revoked] = credential::times(&connection.credential);
        [
            connection.id.to_string(),
            credential::last_four(&connection.credential),
            connection.label.as_str().to_owned(),
            connection.provider.clone(),
            created,
            last_used,
            expires,
            revoked,
        ]
    };
    let [created, last_used, expires, revoked] = credential::TIMES;
    let heading = ["ID", "TOKEN", "LABEL", "PROVIDER", created, last_used, expires, revoked];
    output::table(heading, &connections.iter().map(row).collect::<Vec<_>>())
}
