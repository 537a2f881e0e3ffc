//! `unibooks connection create|list|revoke`

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::database::{DatabaseArguments, ListOfProject};
use super::{expires_at, output};
use crate::auth::{Operator, Secret, secret};
use crate::domain::{Clock, ConnectionId, DisplayName, ProjectId};
use crate::management::connections::{Connection, Provider, store};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a connection; its token is shown once
    Create(Create),
    /// List connections, without their tokens
    List(ListOfProject),
    /// Revoke a connection's token, at once and for good; its payments stay
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub struct Create {
    /// The project that it is for
    #[arg(long, value_name = "ID")]
    project: ProjectId,
    /// What to call it
    #[arg(long)]
    label: DisplayName,
    /// The accounting software behind it
    #[arg(long, default_value = "none")]
    provider: Provider,
    /// When its token ends by itself: 2030-01-31 (00:00 UTC of that day) or 2030-01-31T12:00:00+02:00
    #[arg(long, value_name = "TIME", value_parser = expires_at::parse)]
    expires_at: Option<DateTime<Utc>>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    console: DatabaseArguments,
}

#[derive(Debug, Args)]
pub struct Revoke {
    /// The connection's id, as `list` shows it
    id: ConnectionId,
    #[command(flatten)]
    console: DatabaseArguments,
}

/// A new connection with its token, the one time that it is shown.
#[derive(Serialize)]
struct Shown<'a> {
    connection_token: &'a str,
    #[serde(flatten)]
    connection: &'a Connection,
}

/// Makes and stores a connection.
pub async fn create(
    operator: &Operator,
    project_id: ProjectId,
    label: DisplayName,
    provider: Provider,
    expires_at: Option<DateTime<Utc>>,
) -> anyhow::Result<(Connection, Secret)> {
    let now = Clock::system().now();
    let token = Secret::generate(secret::Kind::ConnectionToken, &mut rand::rng());
    let connection = Connection {
        id: ConnectionId::new(now),
        project_id,
        label,
        provider,
        hint: token.hint().to_owned(),
        created_at: now,
        expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    store::insert(operator, &connection, &token).await.map_err(|error| match error.constraint() {
        Some("connection_project_id_fkey") => anyhow::anyhow!("there is no project {project_id}; see `project list`"),
        _ => error.into(),
    })?;
    Ok((connection, token))
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create(Create { project, label, provider, expires_at, json, console }) => {
            let (connection, token) = create(&console.operator().await?, project, label, provider, expires_at).await?;
            if json {
                return output::json(&Shown { connection_token: token.expose(), connection: &connection });
            }
            output::line(format_args!("id                {}\nconnection token  {}", connection.id, token.expose()))?;
            output::line("\nIt is not shown again.")?;
        }
        Command::List(ListOfProject { project, json, console }) => {
            let connections = store::list(&console.operator().await?, project).await?;
            if json {
                return output::json(&connections);
            }
            let row = |connection: &Connection| {
                [
                    connection.id.to_string(),
                    format!("…{}", connection.hint),
                    connection.label.as_str().to_owned(),
                    connection.provider.slug().to_owned(),
                    output::moment(Some(connection.created_at)),
                    output::moment(connection.last_used_at),
                    output::moment(connection.expires_at),
                    output::moment(connection.revoked_at),
                ]
            };
            let heading = ["ID", "TOKEN", "LABEL", "PROVIDER", "CREATED (UTC)", "LAST USED", "EXPIRES", "REVOKED"];
            output::table(heading, &connections.iter().map(row).collect::<Vec<_>>())?;
        }
        Command::Revoke(Revoke { id, console }) => {
            let found = store::revoke(&console.operator().await?, id, Clock::system().now()).await?;
            found.then_some(()).with_context(|| format!("there is no connection {id}; see `connection list`"))?;
            output::line(format_args!("revoked  {id}"))?;
        }
    }
    Ok(())
}
