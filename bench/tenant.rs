//! Whom the requests are made for.

use anyhow::Context;
use serde_json::Value;
use uuid::Uuid;

use crate::server::Program;

/// A connection and the secrets that open it.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub connection: Uuid,
    pub api_key: String,
    pub token: String,
}

impl Tenant {
    /// Makes project, key and connection as an operator would, on a database that this migrates first.
    pub async fn create(program: &Program, url: &str) -> anyhow::Result<Self> {
        program.console(url, &["migrate"]).await?;
        let project = make(program, url, &["project", "create", "--name", "Benchmark"]).await?;
        let project = text(&project, "id")?;
        let key = make(program, url, &["api-key", "create", "--project", project, "--name", "Benchmark"]).await?;
        let connection = ["connection", "create", "--project", project, "--label", "Benchmark"];
        let connection = make(program, url, &connection).await?;
        Ok(Self {
            connection: text(&connection, "id")?.parse()?,
            api_key: text(&key, "api_key")?.to_owned(),
            token: text(&connection, "connection_token")?.to_owned(),
        })
    }
}

async fn make(program: &Program, url: &str, arguments: &[&str]) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(&program.console(url, &[arguments, &["--json"]].concat()).await?)?)
}

fn text<'a>(object: &'a Value, member: &str) -> anyhow::Result<&'a str> {
    object[member].as_str().with_context(|| format!("no member `{member}` in {object}"))
}
