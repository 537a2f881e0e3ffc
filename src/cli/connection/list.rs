//! `unibooks connection list`

use crate::cli::credential::{self, ListArguments};
use crate::cli::output;
use crate::management::connections::{self, Connection};

pub async fn run(ListArguments { project, json, database }: ListArguments) -> anyhow::Result<()> {
    let connections = connections::list(&database.operator().await?, project).await?;
    if json { output::json(&connections) } else { table(&connections) }
}

fn table(connections: &[Connection]) -> anyhow::Result<()> {
    let row = |connection: &Connection| {
        let [created, last_used, expires, revoked] = credential::times(&connection.credential);
        let software = connection.software.as_ref();
        let company = software.and_then(|software| software.company_name.clone());
        let status = software.map(|software| software.status.as_str().to_owned());
        [
            connection.id.to_string(),
            credential::last_four(&connection.credential),
            connection.label.as_str().to_owned(),
            connection.provider.clone(),
            company.unwrap_or_else(|| "-".to_owned()),
            status.unwrap_or_else(|| "-".to_owned()),
            created,
            last_used,
            expires,
            revoked,
        ]
    };
    let [created, last_used, expires, revoked] = credential::TIMES;
    let heading = ["ID", "TOKEN", "LABEL", "PROVIDER", "COMPANY", "STATUS", created, last_used, expires, revoked];
    output::table(heading, &connections.iter().map(row).collect::<Vec<_>>())
}
