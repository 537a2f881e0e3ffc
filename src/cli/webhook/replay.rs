//! `unibooks webhook replay`

use clap::Args;
use serde_json::json;

use super::chosen::{self, Chosen};
use crate::cli::output;
use crate::domain::{DateOrMoment, EventPattern};
use crate::webhooks::delivery::{ReplayRequest, Selection};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    chosen: Chosen,
    /// Events after this time or date; without it, all that are kept
    #[arg(long, value_name = "TIME")]
    since: Option<DateOrMoment>,
    /// Events before this time or date; without it, all up to now
    #[arg(long, value_name = "TIME")]
    until: Option<DateOrMoment>,
    /// Only these events, like `accounting.payment.*`; repeatable
    #[arg(long = "event", value_name = "NAME")]
    events: Vec<EventPattern>,
    /// `failed` (sent, but not delivered), `missing` (never sent) or `all`
    #[arg(long, value_name = "SELECTION", default_value = Selection::Failed.as_str())]
    only: Selection,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { chosen: Chosen { webhook, project }, since, until, events, only } = arguments;
    let request = ReplayRequest {
        since: since.map(DateOrMoment::first_moment),
        until: until.map(DateOrMoment::first_moment),
        patterns: events,
        selection: only,
    };
    let (scope, deliveries) = project.open_deliveries().await?;
    let id = deliveries.replay(&scope, webhook, request).await.map_err(chosen::explain_delivery)?;
    if project.json {
        return output::json(&json!({ "id": id }));
    }
    output::line(format_args!("requested  {id}; a running server sends the events"))
}
