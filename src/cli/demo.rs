//! The demo project, and a `curl` command for it that works as it is printed.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::{healthcheck, output, private_file};
use crate::auth::{Authenticator, Operator, Secret, secret};
use crate::db::Database;
use crate::domain::{ApiKeyScopes, Clock, DisplayName};
use crate::management::api_keys::{self, NewApiKey};
use crate::management::connections::{self, NewConnection};
use crate::management::projects;

/// The request body of the example.
const EXAMPLE: &str = include_str!("demo_payment.json");

/// The secrets of the demo project. Only these are ever written to a file, because they give access to nothing else.
#[derive(Serialize, Deserialize)]
struct Credentials {
    api_key: String,
    connection_token: String,
}

/// Creates the demo project at the first start, finds it again later, and prints a `curl` command for it.
///
/// # Errors
/// When the database or the file fails.
pub async fn offer(database: &Database, file: &Path, listening: SocketAddr) -> anyhow::Result<()> {
    let credentials = match read(file)? {
        Some(known) if are_accepted(database, &known).await? => known,
        // No file, or the file of another database.
        _ => {
            let new = create(database).await?;
            private_file::write(file, &serde_json::to_vec_pretty(&new)?)
                .with_context(|| format!("the demo credentials cannot be written to {}", file.display()))?;
            new
        }
    };
    output::line(format_args!("\nTry it:\n\n{}\n", curl(&credentials, healthcheck::reachable(listening))))
}

fn curl(credentials: &Credentials, address: SocketAddr) -> String {
    let Credentials { api_key, connection_token } = credentials;
    // A log puts a prefix before each line, so there the command must be one line.
    let (next, example) = if std::io::stdout().is_terminal() {
        (" \\\n  ", EXAMPLE.trim_end().to_owned())
    } else {
        (" ", EXAMPLE.lines().map(str::trim).collect())
    };
    [
        format!("curl -i http://{address}/accounting/payments"),
        format!("-H 'x-api-key: {api_key}'"),
        format!("-H 'x-connection-token: {connection_token}'"),
        "-H 'content-type: application/json'".to_owned(),
        format!("-d '{example}'"),
    ]
    .join(next)
}

fn read(file: &Path) -> anyhow::Result<Option<Credentials>> {
    let bytes = private_file::read(file)
        .with_context(|| format!("the demo credentials in {} cannot be read", file.display()))?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

async fn are_accepted(database: &Database, known: &Credentials) -> anyhow::Result<bool> {
    let key = Secret::parse(secret::Kind::ApiKey, &known.api_key);
    let token = Secret::parse(secret::Kind::ConnectionToken, &known.connection_token);
    let (Ok(key), Ok(token)) = (key, token) else { return Ok(false) };
    Ok(Authenticator::new(database.clone(), Clock::system()).accepts(&key, &token).await?)
}

/// Creates the project, its key and its connection: all of them or none.
async fn create(database: &Database) -> anyhow::Result<Credentials> {
    let mut transaction = Operator::from_cli(database.clone()).transaction().await?;
    let now = Clock::system().now();
    let name: DisplayName = "Demo".parse()?;
    let project_id = projects::create(&mut transaction, name.clone(), now).await?.id;
    let new = NewApiKey { project_id, name: name.clone(), scopes: ApiKeyScopes::DEFAULT, expires_at: None };
    let (_, key) = api_keys::create(&mut transaction, new, now).await?;
    let new = NewConnection { project_id, label: name, software: None, expires_at: None };
    let (_, token) = connections::create(&mut transaction, new, now).await?;
    transaction.commit().await?;
    Ok(Credentials { api_key: key.expose().to_owned(), connection_token: token.expose().to_owned() })
}
