//! The program under test.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::ensure;
use serde_json::Value;
use unibooks::cli::environment_variables;

use crate::server::Server;

/// Any 32 bytes.
const SEALING_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// The program and the database that all servers and commands share.
#[derive(Debug)]
pub struct Program {
    pub file: PathBuf,
    pub database_url: String,
    pub folder: PathBuf,
}

impl Program {
    /// The program without the developer's own settings, in a folder without `.env`.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.file);
        for name in environment_variables() {
            command.env_remove(name);
        }
        command.env("DATABASE_URL", &self.database_url).env("UNIBOOKS_SEALING_KEYS", SEALING_KEY);
        command.env("UNIBOOKS_CONNECTOR_NETWORKS", "127.0.0.0/8").current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    /// Starts a server at a free address, with a log of its own.
    pub fn serve(&self) -> anyhow::Result<Server> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = self.folder.join(format!("server-{}.log", address.port()));
        Server::start(self.command(), address, log)
    }

    /// Runs a command that must succeed.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let output = self.command().args(arguments).output()?;
        ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Runs a command that must succeed, and returns the JSON that it printed.
    pub fn json(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let output = self.command().args(arguments).arg("--json").output()?;
        ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}
