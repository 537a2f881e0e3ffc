//! `unibooks webhook rotate`

use super::chosen::{self, Chosen};

pub async fn run(Chosen { webhook, project }: Chosen) -> anyhow::Result<()> {
    let (scope, endpoints) = project.open().await?;
    let (endpoint, secret) = endpoints.rotate(&scope, webhook).await.map_err(chosen::explain)?;
    project.print_secret(endpoint, &secret, &endpoints)
}
