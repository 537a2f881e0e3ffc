//! `unibooks api-key create|list|revoke`

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::database::{DatabaseArguments, ListOfProject};
use super::{expires_at, output};
use crate::auth::{Operator, Secret, secret};
use crate::domain::{ApiKeyId, Clock, DisplayName, ProjectId};
use crate::management::api_keys::{ApiKey, store};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a key; it is shown once
    Create(Create),
    /// List keys, without their secrets
    List(ListOfProject),
    /// Revoke a key, at once and for good
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub struct Create {
    /// The project that it is for
    #[arg(long, value_name = "ID")]
    project: ProjectId,
    /// What to call it
    #[arg(long)]
    name: DisplayName,
    /// It may only read
    #[arg(long)]
    read_only: bool,
    /// When it ends by itself: 2030-01-31 (00:00 UTC of that day) or 2030-01-31T12:00:00+02:00
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
    /// The key's id, as `list` shows it
    id: ApiKeyId,
    #[command(flatten)]
    console: DatabaseArguments,
}

/// A new key with its secret, the one time that it is shown.
#[derive(Serialize)]
struct Shown<'a> {
    api_key: &'a str,
    #[serde(flatten)]
    key: &'a ApiKey,
}

/// Makes and stores a key.
pub async fn create(
    operator: &Operator,
    project_id: ProjectId,
    name: DisplayName,
    read_only: bool,
    expires_at: Option<DateTime<Utc>>,
) -> anyhow::Result<(ApiKey, Secret)> {
    let now = Clock::system().now();
    let secret = Secret::generate(secret::Kind::ApiKey, &mut rand::rng());
    let key = ApiKey {
        id: ApiKeyId::new(now),
        project_id,
        name,
        hint: secret.hint().to_owned(),
        read_only,
        created_at: now,
        expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    store::insert(operator, &key, &secret).await.map_err(|error| match error.constraint() {
        Some("api_key_project_id_fkey") => anyhow::anyhow!("there is no project {project_id}; see `project list`"),
        _ => error.into(),
    })?;
    Ok((key, secret))
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create(Create { project, name, read_only, expires_at, json, console }) => {
            let (key, secret) = create(&console.operator().await?, project, name, read_only, expires_at).await?;
            if json {
                return output::json(&Shown { api_key: secret.expose(), key: &key });
            }
            output::line(format_args!("id       {}\napi key  {}\n\nIt is not shown again.", key.id, secret.expose()))?;
        }
        Command::List(ListOfProject { project, json, console }) => {
            let keys = store::list(&console.operator().await?, project).await?;
            if json {
                return output::json(&keys);
            }
            let row = |key: &ApiKey| {
                [
                    key.id.to_string(),
                    format!("…{}", key.hint),
                    key.name.as_str().to_owned(),
                    if key.read_only { "read" } else { "write" }.to_owned(),
                    output::moment(Some(key.created_at)),
                    output::moment(key.last_used_at),
                    output::moment(key.expires_at),
                    output::moment(key.revoked_at),
                ]
            };
            let heading = ["ID", "KEY", "NAME", "MAY", "CREATED (UTC)", "LAST USED", "EXPIRES", "REVOKED"];
            output::table(heading, &keys.iter().map(row).collect::<Vec<_>>())?;
        }
        Command::Revoke(Revoke { id, console }) => {
            let found = store::revoke(&console.operator().await?, id, Clock::system().now()).await?;
            found.then_some(()).with_context(|| format!("there is no key {id}; see `api-key list`"))?;
            output::line(format_args!("revoked  {id}"))?;
        }
    }
    Ok(())
}
