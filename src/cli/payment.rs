//! `unibooks payment list|retry|settle|cancel`

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::database::DatabaseArguments;
use super::output;
use crate::config::ConnectorSettings;
use crate::domain::{ConnectionId, PaymentId, RemoteId, RemoteStatus};
use crate::outgoing::Networks;
use crate::sync::{By, Decisions, ListedWrite};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List payments of a connection with accounting software, oldest first
    List(List),
    /// Have a payment written into the software again, if a look-up does not find it there
    Retry(Retry),
    /// Say what became of a payment whose outcome is not known
    Settle(Settle),
    /// Take back a payment that was never sent to the software
    Cancel(Cancel),
}

#[derive(Debug, Args)]
pub struct List {
    /// The connection's id, as `connection list` shows it
    #[arg(long, value_name = "ID")]
    connection: ConnectionId,
    /// Only those with this status, for example `needs_attention`
    #[arg(long, value_name = "STATUS")]
    remote_status: Option<RemoteStatus>,
    /// The most payments to list
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// Which payment, who decides, and why.
#[derive(Debug, Args)]
struct Decision {
    /// The payment's id
    payment: PaymentId,
    /// The connection's id
    #[arg(long, value_name = "ID")]
    connection: ConnectionId,
    /// Why; it is kept with the payment
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who; without it, the user of the operating system
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    #[command(flatten)]
    database: DatabaseArguments,
}

#[derive(Debug, Args)]
pub struct Retry {
    #[command(flatten)]
    decision: Decision,
}

#[derive(Debug, Args)]
pub struct Cancel {
    #[command(flatten)]
    decision: Decision,
}

#[derive(Debug, Args)]
pub struct Settle {
    #[command(flatten)]
    decision: Decision,
    #[command(flatten)]
    outcome: Outcome,
    #[command(flatten)]
    connectors: ConnectorSettings,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Outcome {
    /// The software has it under this id; amount, currency and invoices are compared
    #[arg(long, value_name = "REMOTE_ID")]
    applied: Option<RemoteId>,
    /// The software does not have it; refused while a look-up finds it
    #[arg(long)]
    rejected: bool,
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(arguments) => list(arguments).await,
        Command::Retry(Retry { decision }) => {
            decision.decisions().await?.retry(decision.payment, &decision.by()).await?;
            output::line(format_args!("queued  {}", decision.payment))
        }
        Command::Cancel(Cancel { decision }) => {
            decision.decisions().await?.cancel(decision.payment, &decision.by()).await?;
            output::line(format_args!("cancelled  {}", decision.payment))
        }
        Command::Settle(arguments) => settle(arguments).await,
    }
}

impl Decision {
    async fn decisions(&self) -> anyhow::Result<Decisions> {
        let operator = self.database.operator().await?;
        Decisions::of(&operator, self.connection).await.context("nothing was changed")
    }

    fn by(&self) -> By {
        let user = || std::env::var("USER").unwrap_or_else(|_| format!("user {}", rustix::process::getuid().as_raw()));
        By { actor: self.by.clone().unwrap_or_else(user), reason: self.reason.clone() }
    }
}

async fn settle(Settle { decision, outcome, connectors }: Settle) -> anyhow::Result<()> {
    let access = connectors.access(Networks::default())?;
    let decisions = decision.decisions().await?;
    match &outcome.applied {
        Some(record) => decisions.settle_applied(decision.payment, record, &access, &decision.by()).await?,
        None => decisions.settle_rejected(decision.payment, &access, &decision.by()).await?,
    }
    let status = if outcome.applied.is_some() { RemoteStatus::Applied } else { RemoteStatus::Rejected };
    output::line(format_args!("{}  {}", status.as_str(), decision.payment))
}

async fn list(List { connection, remote_status, limit, json, database }: List) -> anyhow::Result<()> {
    let decisions = Decisions::of(&database.operator().await?, connection).await?;
    let writes = decisions.list(remote_status, limit).await?;
    if json { output::json(&writes) } else { table(&writes) }
}

fn table(writes: &[ListedWrite]) -> anyhow::Result<()> {
    let dash = || "-".to_owned();
    let row = |write: &ListedWrite| {
        let errors = write.errors.as_ref().and_then(|errors| serde_json::from_str::<Vec<Value>>(errors.get()).ok());
        let fault = errors.and_then(|errors| Some(errors.first()?["detail"].as_str()?.to_owned()));
        let decided =
            write.actor.as_ref().zip(write.reason.as_ref()).map(|(actor, reason)| format!("{actor}: {reason}"));
        [
            write.id.to_string(),
            write.remote_status.as_str().to_owned(),
            output::minute(Some(write.created_at)),
            write.total_amount.map_or_else(dash, |amount| amount.to_string()),
            write.currency.clone().unwrap_or_else(dash),
            write.remote_id.clone().unwrap_or_else(dash),
            write.attempts.to_string(),
            decided.or(fault).unwrap_or_else(dash),
        ]
    };
    let heading = ["ID", "STATUS", "CREATED (UTC)", "AMOUNT", "CURRENCY", "REMOTE ID", "ATTEMPTS", "WHY"];
    output::table(heading, &writes.iter().map(row).collect::<Vec<_>>())
}
