//! `unibooks connection update`

use anyhow::ensure;
use clap::Args;

use super::chosen::Chosen;
use super::create::ensure_url;
use super::secret::SecretArguments;
use super::software::print;
use crate::cli::output;
use crate::config::ConnectorSettings;
use crate::domain::{Clock, DisplayName, RemoteId};
use crate::management::connections::{self, Changes};
use crate::outgoing::Networks;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    chosen: Chosen,
    /// What to call it
    #[arg(long)]
    label: Option<DisplayName>,
    /// Another address of the same books
    #[arg(long)]
    url: Option<String>,
    /// The user to sign in as
    #[arg(long, value_name = "USER")]
    login: Option<String>,
    #[command(flatten)]
    secret: SecretArguments,
    /// Ask for a new password or API key at the terminal
    #[arg(long, conflicts_with = "secret_file")]
    ask_secret: bool,
    /// Store the credentials without trying them
    #[arg(long)]
    no_check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    // Accepted only to say what to do instead.
    #[arg(long, hide = true)]
    database: Option<String>,
    #[arg(long, hide = true)]
    company: Option<RemoteId>,
    #[command(flatten)]
    connectors: ConnectorSettings,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { chosen, label, url, login, secret, ask_secret, no_check, json, connectors, .. } = arguments;
    let other_books = "another database or company is a new connection; see `connection create`";
    ensure!(arguments.database.is_none() && arguments.company.is_none(), other_books);
    url.as_deref().map_or(Ok(()), ensure_url)?;
    let (operator, connection) = chosen.find().await?;
    let secret = if ask_secret || secret.is_given() { Some(secret.read().await?) } else { None };
    let changes = Changes { label, url, login, secret };
    ensure!(
        !changes.is_empty(),
        "nothing is to be changed: give --label, --url, --login, --secret-file or --ask-secret"
    );
    let access = connectors.access(Networks::default())?;
    let now = Clock::system().now();
    match connections::update(&operator, &access, &connection, changes, !no_check, now).await? {
        Some(found) => print(&connection, &found, json),
        None => output::line(format_args!("updated  {}", connection.id)),
    }
}
