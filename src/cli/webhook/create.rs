//! `unibooks webhook create`

use clap::Args;

use super::chosen::{self, ProjectArguments};
use crate::domain::{ConnectionId, EventPattern, FreeText};
use crate::webhooks::endpoints::{NewEndpoint, PayloadFormat};
use crate::webhooks::signature::SignatureScheme;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Where events are sent
    #[arg(long)]
    url: String,
    /// An event that it gets, like `accounting.payment.created`, `accounting.*` or `*`; repeatable
    #[arg(long = "event", value_name = "NAME", required = true)]
    events: Vec<EventPattern>,
    /// Only the events of this connection
    #[arg(long, value_name = "ID")]
    connection: Option<ConnectionId>,
    /// What to call it
    #[arg(long, value_name = "TEXT")]
    description: Option<FreeText>,
    /// `standard`, or `panora` for `data` as a string that holds JSON
    #[arg(long, value_name = "FORMAT", default_value = PayloadFormat::Standard.as_str())]
    payload_format: PayloadFormat,
    /// `v1` (HMAC-SHA256) or `v1a` (Ed25519)
    #[arg(long, value_name = "SCHEME", default_value = SignatureScheme::V1.as_str())]
    signature: SignatureScheme,
    #[command(flatten)]
    project: ProjectArguments,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { url, events, connection, description, payload_format, signature, project } = arguments;
    let new = NewEndpoint {
        url: chosen::url(&url)?,
        description,
        event_types: events,
        connection_id: connection,
        payload_format,
        signature_scheme: signature,
    };
    let (scope, endpoints) = project.open().await?;
    let (endpoint, secret) = endpoints.create(&scope, new).await.map_err(chosen::explain)?;
    project.print_secret(endpoint, &secret, &endpoints)
}
