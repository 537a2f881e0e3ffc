//! The tenants of requests, made on the command line as an operator does.

use anyhow::Context;
use serde_json::Value;
use uuid::Uuid;

use crate::server::Program;

/// A connection of a project, and its credentials.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub project: Uuid,
    pub connection: Uuid,
    pub api_key: String,
    pub token: String,
}

impl Tenant {
    /// Migrates a database and makes a tenant.
    pub async fn create(program: &Program, url: &str) -> anyhow::Result<Self> {
        program.run_command(url, &["migrate"]).await?;
        Self::add(program, url, &[]).await
    }

    /// Makes a project, a key and a connection. The key has these scopes; without any, those that it has by default.
    pub async fn add(program: &Program, url: &str, scopes: &[&str]) -> anyhow::Result<Self> {
        let project = run_for_json(program, url, &["project", "create", "--name", "Benchmark"]).await?;
        let project = text(&project, "id")?;
        let mut key = vec!["api-key", "create", "--project", project, "--name", "Benchmark"];
        key.extend(scopes.iter().flat_map(|scope| ["--scope", scope]));
        let key = run_for_json(program, url, &key).await?;
        let connection = ["connection", "create", "--project", project, "--label", "Benchmark"];
        let connection = run_for_json(program, url, &connection).await?;
        Ok(Self {
            project: project.parse()?,
            connection: text(&connection, "id")?.parse()?,
            api_key: text(&key, "api_key")?.to_owned(),
            token: text(&connection, "connection_token")?.to_owned(),
        })
    }
}

/// Runs a command and returns the JSON that it printed.
async fn run_for_json(program: &Program, url: &str, arguments: &[&str]) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(&program.run_command(url, &[arguments, &["--json"]].concat()).await?)?)
}

fn text<'a>(object: &'a Value, member: &str) -> anyhow::Result<&'a str> {
    object[member].as_str().with_context(|| format!("no member `{member}` in {object}"))
}
