//! `unibooks api-key create|list|revoke`

use anyhow::Context;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::credential::{self, CreateArguments, ListArguments};
use super::database::DatabaseArguments;
use super::output;
use crate::domain::{ApiKeyId, ApiKeyScope, ApiKeyScopes, Clock, DisplayName};
use crate::management::api_keys::{self, ApiKey, NewApiKey};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a key; it is shown once
    Create(Create),
    /// List keys, without their secrets
    List(ListArguments),
    /// Revoke a key, at once and for good
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub struct Create {
    /// What to call it
    #[arg(long)]
    name: DisplayName,
    /// What it may do; give it again for more. Without it: payments:read, payments:write, accounting:read
    #[arg(long = "scope", value_name = "SCOPE", value_parser = scope_parser())]
    scopes: Vec<ApiKeyScope>,
    /// Short for --scope payments:read
    #[arg(long, conflicts_with = "scopes")]
    read_only: bool,
    #[command(flatten)]
    arguments: CreateArguments,
}

#[derive(Debug, Args)]
pub struct Revoke {
    /// The key's id, as `list` shows it
    id: ApiKeyId,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// A new key with its secret.
#[derive(Serialize)]
struct WithSecret<'a> {
    api_key: &'a str,
    #[serde(flatten)]
    key: &'a ApiKey,
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create(arguments) => create(arguments).await,
        Command::List(ListArguments { project, json, database }) => {
            let keys = api_keys::list(&database.operator().await?, project).await?;
            if json { output::json(&keys) } else { table(&keys) }
        }
        Command::Revoke(Revoke { id, database }) => {
            let exists = api_keys::revoke(&database.operator().await?, id, Clock::system().now()).await?;
            exists.then_some(()).with_context(|| format!("there is no key {id}; see `api-key list`"))?;
            output::line(format_args!("revoked  {id}"))
        }
    }
}

fn scope_parser() -> impl TypedValueParser<Value = ApiKeyScope> {
    PossibleValuesParser::new(ApiKeyScope::ALL.iter().map(|scope| scope.as_str())).try_map(|name| name.parse())
}

async fn create(Create { name, scopes, read_only, arguments }: Create) -> anyhow::Result<()> {
    let CreateArguments { project: project_id, expires_at, json, database } = arguments;
    let scopes = match (read_only, scopes.is_empty()) {
        (true, _) => ApiKeyScopes::PAYMENTS_READ,
        (false, true) => ApiKeyScopes::DEFAULT,
        (false, false) => scopes.into_iter().collect(),
    };
    let new = NewApiKey { project_id, name, scopes, expires_at };
    let mut transaction = database.operator().await?.transaction().await?;
    let created = api_keys::create(&mut transaction, new, Clock::system().now()).await;
    let (key, secret) = created.map_err(credential::explain)?;
    transaction.commit().await?;
    if json {
        return output::json(&WithSecret { api_key: secret.expose(), key: &key });
    }
    output::line(format_args!("id       {}\napi key  {}\n\nIt is not shown again.", key.id, secret.expose()))
}

fn table(keys: &[ApiKey]) -> anyhow::Result<()> {
    let row = |key: &ApiKey| {
        let [created, last_used, expires, revoked] = credential::times(&key.credential);
        [
            key.id.to_string(),
            credential::last_four(&key.credential),
            key.name.as_str().to_owned(),
            key.scopes.names().collect::<Vec<_>>().join(","),
            created,
            last_used,
            expires,
            revoked,
        ]
    };
    let [created, last_used, expires, revoked] = credential::TIMES;
    let heading = ["ID", "KEY", "NAME", "SCOPES", created, last_used, expires, revoked];
    output::table(heading, &keys.iter().map(row).collect::<Vec<_>>())
}
