//! `unibooks webhook test`

use anyhow::bail;

use super::chosen::{self, Chosen};
use crate::cli::output;
use crate::webhooks::delivery::api::AttemptView;

pub async fn run(Chosen { webhook, project }: Chosen) -> anyhow::Result<()> {
    let (scope, deliveries) = project.open_deliveries().await?;
    let (event, attempt) = deliveries.test(&scope, webhook).await.map_err(chosen::explain_delivery)?;
    let is_success = attempt.outcome.is_success();
    let view = AttemptView::of_call(event, attempt);
    if project.json {
        return output::json(&view);
    }
    if !is_success {
        bail!("the endpoint did not take the event: {}", view.outcome());
    }
    output::line(format_args!("delivered  {} in {} ms", view.outcome(), view.duration_ms))
}
