//! `unibooks webhook update`

use anyhow::ensure;
use clap::Args;

use super::chosen::{self, Chosen};
use crate::cli::output;
use crate::domain::{EventPattern, FreeText};
use crate::webhooks::endpoints::{EndpointChanges, PayloadFormat};
use crate::webhooks::signature::SignatureScheme;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    chosen: Chosen,
    /// Send it no more events
    #[arg(long)]
    pause: bool,
    /// Send it events again, also when the server has disabled it
    #[arg(long, conflicts_with = "pause")]
    resume: bool,
    /// Where events are sent
    #[arg(long)]
    url: Option<String>,
    /// The events that it gets, in place of the present ones; repeatable
    #[arg(long = "event", value_name = "NAME")]
    events: Vec<EventPattern>,
    /// What to call it; empty for nothing
    #[arg(long, value_name = "TEXT")]
    description: Option<FreeText>,
    /// `standard` or `panora`
    #[arg(long, value_name = "FORMAT")]
    payload_format: Option<PayloadFormat>,
    /// `v1` or `v1a`
    #[arg(long, value_name = "SCHEME")]
    signature: Option<SignatureScheme>,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { chosen, pause, resume, url, events, description, payload_format, signature } = arguments;
    let changes = EndpointChanges {
        active: (pause || resume).then_some(resume),
        url: url.as_deref().map(chosen::url).transpose()?,
        description,
        event_types: Some(events).filter(|events| !events.is_empty()),
        payload_format,
        signature_scheme: signature,
    };
    ensure!(
        changes != EndpointChanges::default(),
        "nothing is to be changed: give --pause, --resume, --url or --event"
    );
    let (scope, endpoints) = chosen.project.open().await?;
    let endpoint = endpoints.update(&scope, chosen.webhook, changes).await.map_err(chosen::explain)?;
    if chosen.project.json {
        return output::json(&chosen.project.view(endpoint, &endpoints));
    }
    output::line(format_args!("updated  {}", endpoint.id))
}
