//! `unibooks webhook delete`

use super::chosen::{self, Chosen};
use crate::cli::output;

pub async fn run(Chosen { webhook, project }: Chosen) -> anyhow::Result<()> {
    let (scope, endpoints) = project.open().await?;
    let endpoint = endpoints.delete(&scope, webhook).await.map_err(chosen::explain)?;
    if project.json {
        return output::json(&project.view(endpoint, &endpoints));
    }
    output::line(format_args!("deleted  {}", endpoint.id))
}
