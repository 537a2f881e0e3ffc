//! `unibooks connection check|setup`

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use super::chosen::Chosen;
use crate::cli::output;
use crate::config::ConnectorSettings;
use crate::connectors::{Capabilities, SoftwareInfo, registry};
use crate::domain::{Clock, ConnectionId};
use crate::management::connections::{self, Connection};
use crate::outgoing::Networks;
use crate::sealed::SealingKeys;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    chosen: Chosen,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connectors: ConnectorSettings,
}

/// What a check has found, and what the software can do.
#[derive(Serialize)]
struct Checked<'a> {
    connection_id: ConnectionId,
    provider: &'a str,
    #[serde(flatten)]
    found: &'a SoftwareInfo,
    capabilities: &'static Capabilities,
}

pub async fn check(Arguments { chosen, json, connectors }: Arguments) -> anyhow::Result<()> {
    let access = connectors.access(Networks::default())?;
    let (operator, connection, _) = chosen.find_with_software().await?;
    let found = connections::check(&operator, &access, &connection, Clock::system().now()).await?;
    print(&connection, &found, json)
}

pub async fn setup(Arguments { chosen, json, connectors }: Arguments) -> anyhow::Result<()> {
    let access = connectors.access(Networks::default())?;
    let (operator, connection, _) = chosen.find_with_software().await?;
    connections::setup(&operator, &access, &connection).await?;
    let found = connections::check(&operator, &access, &connection, Clock::system().now()).await?;
    print(&connection, &found, json)
}

/// The sealing keys, which a connection with software cannot do without.
pub fn needed_keys(keys: Option<SealingKeys>) -> anyhow::Result<SealingKeys> {
    keys.context(
        "a connection with software needs a sealing key: make one with `openssl rand -base64 32`, and give it to this \
         command and to the server as UNIBOOKS_SEALING_KEYS",
    )
}

/// Prints what a check has found.
pub fn print(connection: &Connection, found: &SoftwareInfo, json: bool) -> anyhow::Result<()> {
    let provider = registry::find(&connection.provider);
    let provider = provider.with_context(|| format!("there is no connector for `{}`", connection.provider))?;
    let capabilities = provider.capabilities();
    if json {
        let Connection { id: connection_id, provider, .. } = connection;
        return output::json(&Checked { connection_id: *connection_id, provider, found, capabilities });
    }
    let company = &found.company;
    output::line(format_args!("software       {} {}", provider.name(), found.version))?;
    output::line(format_args!("company        {} ({})", company.name, company.remote_id))?;
    output::line(format_args!("base currency  {}", company.currency.code()))?;
    for (name, members) in [("required", Kind::Required), ("ignored", Kind::Ignored)] {
        output::line(format_args!("{name:13}  {}", members.of(capabilities)))?;
    }
    output::line(format_args!("payments       {}", payments(capabilities)))?;
    missing(connection, found)
}

/// What a payment must have, and what the software has no place for.
enum Kind {
    Required,
    Ignored,
}

impl Kind {
    fn of(&self, capabilities: &Capabilities) -> String {
        let members = capabilities.members.iter();
        let names = members.filter(|member| match self {
            Self::Required => member.required,
            Self::Ignored => member.ignored,
        });
        let names: Vec<_> = names.map(|member| member.name).collect();
        if names.is_empty() { "-".to_owned() } else { names.join(", ") }
    }
}

/// What kinds of payments the software takes.
fn payments(capabilities: &Capabilities) -> String {
    let invoices = match capabilities.max_allocations {
        1 => "of one invoice".to_owned(),
        most => format!("of up to {most} invoices"),
    };
    let kinds = [
        (capabilities.customer_payments, "by customers"),
        (capabilities.supplier_payments, "to suppliers"),
        (true, invoices.as_str()),
        (capabilities.on_account, "without an invoice"),
    ];
    kinds.into_iter().filter_map(|(is_taken, kind)| is_taken.then_some(kind)).collect::<Vec<_>>().join(", ")
}

/// Prints what is missing in the software.
pub fn missing(connection: &Connection, found: &SoftwareInfo) -> anyhow::Result<()> {
    for sentence in &found.missing {
        output::line(format_args!("missing        {sentence}"))?;
    }
    if found.needs_setup {
        output::line(format_args!("next           unibooks connection setup --connection {}", connection.id))?;
    }
    Ok(())
}
