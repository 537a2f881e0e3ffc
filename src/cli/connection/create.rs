//! `unibooks connection create`

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;

use super::secret::SecretArguments;
use super::software::{missing, needed_keys};
use crate::cli::credential::{self, CreateArguments};
use crate::cli::output;
use crate::config::ConnectorSettings;
use crate::connectors::{SoftwareInfo, Target};
use crate::domain::{Clock, ConnectionId, DisplayName, RemoteId};
use crate::management::connections::{self, Connection, NewConnection, NewSoftware, Provider};
use crate::outgoing::{Networks, check_url};

#[derive(Debug, Args)]
pub struct Arguments {
    /// What to call it
    #[arg(long)]
    label: DisplayName,
    /// The accounting software behind it; `none` when this server is the book of record
    #[arg(long, default_value = Provider::NONE)]
    provider: Provider,
    #[command(flatten)]
    software: SoftwareArguments,
    #[command(flatten)]
    secret: SecretArguments,
    /// Store the credentials without trying them
    #[arg(long)]
    no_check: bool,
    #[command(flatten)]
    create: CreateArguments,
    #[command(flatten)]
    connectors: ConnectorSettings,
}

/// Where the books are.
#[derive(Debug, Args)]
struct SoftwareArguments {
    /// The address of the accounting software
    #[arg(long)]
    url: Option<String>,
    /// Which of its databases, where it has several
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// Which of its companies, where it has several: its id there
    #[arg(long, value_name = "ID")]
    company: Option<RemoteId>,
    /// The user to sign in as
    #[arg(long, value_name = "USER")]
    login: Option<String>,
}

/// A new connection with its token.
#[derive(Serialize)]
struct WithToken<'a> {
    connection_token: &'a str,
    #[serde(flatten)]
    connection: &'a Connection,
    /// What a check has found.
    check: Option<&'a SoftwareInfo>,
}

/// Refuses an address that cannot be called. It is not quoted: there may be a password in it.
pub fn ensure_url(url: &str) -> anyhow::Result<()> {
    check_url(url).context("--url cannot be used")
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { label, provider, software, secret, no_check, create, connectors } = arguments;
    let CreateArguments { project: project_id, expires_at, json, database } = create;
    let now = Clock::system().now();
    let software = match provider {
        Provider::None => {
            software.ensure_none(&secret, no_check)?;
            None
        }
        Provider::Software(provider) => {
            let access = connectors.access(Networks::default())?;
            let keys = needed_keys(access.keys.clone())?;
            let SoftwareArguments { url, database, company, login } = software;
            let url = url.with_context(|| format!("--provider {} needs --url", provider.slug()))?;
            ensure_url(&url)?;
            let secret = secret.read().await?;
            let connection_id = ConnectionId::new(now);
            let target = Target { connection_id, url, database, company, login, secret };
            let found =
                if no_check { None } else { Some(provider.connect(target.clone(), access.client).check().await?) };
            Some(NewSoftware { provider, target, found, keys })
        }
    };
    let found = software.as_ref().and_then(|software| software.found.clone());
    let mut transaction = database.operator().await?.transaction().await?;
    let created =
        connections::create(&mut transaction, NewConnection { project_id, label, software, expires_at }, now).await;
    let (connection, token) = created.map_err(credential::explain)?;
    transaction.commit().await?;
    if json {
        let check = found.as_ref();
        return output::json(&WithToken { connection_token: token.expose(), connection: &connection, check });
    }
    output::line(format_args!("id                {}\nconnection token  {}", connection.id, token.expose()))?;
    if let Some(details) = &connection.software {
        let name = details.company_name.as_deref().unwrap_or("not checked");
        output::line(format_args!("company           {name}"))?;
    }
    output::line("\nIt is not shown again.")?;
    found.map_or(Ok(()), |found| missing(&connection, &found))
}

impl SoftwareArguments {
    /// Refuses what makes no sense without software.
    fn ensure_none(&self, secret: &SecretArguments, no_check: bool) -> anyhow::Result<()> {
        let given = [
            ("--url", self.url.is_some()),
            ("--database", self.database.is_some()),
            ("--company", self.company.is_some()),
            ("--login", self.login.is_some()),
            ("--secret-file", secret.is_file()),
            ("--no-check", no_check),
        ];
        match given.iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) => bail!("{option} is for connections with software: name it with --provider"),
            None => Ok(()),
        }
    }
}
