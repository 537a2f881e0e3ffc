//! `unibooks webhook attempts`

use clap::Args;

use super::chosen::{self, Chosen};
use crate::cli::output;
use crate::domain::page::Limit;
use crate::webhooks::delivery;
use crate::webhooks::delivery::api::AttemptView;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    chosen: Chosen,
    /// The most calls to list, from 1 to 200
    #[arg(long, value_name = "COUNT", default_value = "50")]
    limit: Limit,
}

pub async fn run(Arguments { chosen: Chosen { webhook, project }, limit }: Arguments) -> anyhow::Result<()> {
    let (scope, _) = project.open().await?;
    if !delivery::has_endpoint(&scope, webhook).await? {
        return Err(chosen::explain_delivery(delivery::Error::NoSuchEndpoint));
    }
    let (attempts, _) = delivery::attempts(&scope, webhook, None, limit).await?;
    let views: Vec<_> = attempts.into_iter().map(|stored| AttemptView::of(scope.project_id(), stored)).collect();
    if project.json {
        return output::json(&views);
    }
    let heading = ["TIME (UTC)", "EVENT", "TYPE", "ATTEMPT", "OUTCOME", "MS"];
    output::table(heading, &views.iter().map(row).collect::<Vec<_>>())
}

fn row(attempt: &AttemptView) -> [String; 6] {
    [
        output::minute(Some(attempt.timestamp)),
        attempt.id_event.to_string(),
        attempt.r#type.clone(),
        attempt.number.to_string(),
        attempt.outcome(),
        attempt.duration_ms.to_string(),
    ]
}
