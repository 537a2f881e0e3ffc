//! `unibooks webhook list`

use clap::Args;

use super::chosen::ProjectArguments;
use crate::cli::output;
use crate::domain::EventPattern;
use crate::webhooks::endpoints::{self, Endpoint};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
}

pub async fn run(Arguments { project }: Arguments) -> anyhow::Result<()> {
    let (scope, endpoints) = project.open().await?;
    let listed = endpoints::list(&scope).await?;
    if project.json {
        let views: Vec<_> = listed.into_iter().map(|endpoint| project.view(endpoint, &endpoints)).collect();
        return output::json(&views);
    }
    output::table(["ID", "STATE", "EVENTS", "URL", "CREATED (UTC)"], &listed.iter().map(row).collect::<Vec<_>>())
}

fn row(endpoint: &Endpoint) -> [String; 5] {
    let events: Vec<_> = endpoint.event_types.iter().map(EventPattern::as_str).collect();
    [
        endpoint.id.to_string(),
        endpoint.disabled.map_or("active", |disabled| disabled.reason.as_str()).to_owned(),
        events.join(","),
        endpoint.url.as_str().to_owned(),
        output::minute(Some(endpoint.created_at)),
    ]
}
