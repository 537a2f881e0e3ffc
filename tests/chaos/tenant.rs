//! The tenants of the payments, made on the command line as an operator does.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::Value;
use unibooks::cli::environment_variables;
use uuid::Uuid;

/// Seals the secrets of webhook endpoints: any 32 bytes.
const SEALING_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// A connection and its credentials.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub project: String,
    pub connection: Uuid,
    api_key: String,
    token: String,
}

impl Tenant {
    /// Makes a connection in a project, and a key.
    pub fn create(program: &Path, url: &str, project: &str) -> anyhow::Result<Self> {
        let run = |arguments: &[&str]| run_command(program, url, arguments);
        let key = run(&["api-key", "create", "--project", project, "--name", "Chaos"])?;
        let connection = run(&["connection", "create", "--project", project, "--label", "Chaos"])?;
        Ok(Self {
            project: project.to_owned(),
            connection: text(&connection, "id")?.parse()?,
            api_key: text(&key, "api_key")?.to_owned(),
            token: text(&connection, "connection_token")?.to_owned(),
        })
    }

    /// The headers with the credentials.
    pub fn headers(&self) -> anyhow::Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", HeaderValue::from_str(&self.api_key)?);
        headers.insert("x-connection-token", HeaderValue::from_str(&self.token)?);
        Ok(headers)
    }
}

/// Makes a project and returns its id.
pub fn create_project(program: &Path, url: &str) -> anyhow::Result<String> {
    let project = run_command(program, url, &["project", "create", "--name", "Chaos"])?;
    Ok(text(&project, "id")?.to_owned())
}

/// The program without the developer's own settings, in a folder without `.env`.
pub fn command(program: &Path, url: &str) -> Command {
    let mut command = Command::new(program);
    for name in environment_variables() {
        command.env_remove(name);
    }
    command.env("UNIBOOKS_SEALING_KEYS", SEALING_KEY).env("UNIBOOKS_WEBHOOK_NETWORKS", "127.0.0.0/8");
    command.env("DATABASE_URL", url).current_dir(std::env::temp_dir()).stdin(Stdio::null());
    command
}

/// Runs a command to its end and returns the JSON that it printed.
pub fn run_command(program: &Path, url: &str, arguments: &[&str]) -> anyhow::Result<Value> {
    let output = command(program, url).args(arguments).arg("--json").output()?;
    ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A member of an object that was printed.
pub fn text<'a>(object: &'a Value, member: &str) -> anyhow::Result<&'a str> {
    object[member].as_str().with_context(|| format!("no member `{member}` in {object}"))
}
