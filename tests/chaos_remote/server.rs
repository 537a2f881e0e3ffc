//! A server process under test.

use std::fs::OpenOptions;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::ensure;
use rustix::process::Signal;
use serde_json::Value;
use tokio::time::sleep;
use unibooks::cli::environment_variables;

use crate::processes::signal;

/// So long that only a defect of the server reaches it.
const LIMIT: Duration = Duration::from_mins(1);
/// Any 32 bytes.
const SEALING_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// The program and the database that all servers and commands share.
#[derive(Debug, Clone)]
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

/// A server under supervision. Killed when it is dropped.
pub struct Server {
    program: Program,
    child: Child,
    address: SocketAddr,
    /// How often it ended without being stopped or killed.
    pub unexpected_exits: u32,
}

impl Server {
    pub fn start(program: &Program) -> anyhow::Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = spawn(program, address)?;
        Ok(Self { program: program.clone(), child, address, unexpected_exits: 0 })
    }

    /// The base URL for clients.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// SIGKILL.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM, and waits for the end.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        signal(self.child.id(), Signal::TERM);
        let started = Instant::now();
        while self.child.try_wait()?.is_none() {
            ensure!(started.elapsed() < LIMIT, "the server does not end");
            sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    /// Starts it again after it was killed or stopped.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.child = spawn(&self.program, self.address)?;
        Ok(())
    }

    /// Starts it again if it has ended by itself, as a service manager does.
    pub fn supervise(&mut self) -> anyhow::Result<()> {
        if self.child.try_wait()?.is_some() {
            self.unexpected_exits += 1;
            self.restart()?;
        }
        Ok(())
    }

    /// Waits until it can serve requests.
    pub async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
        let (started, ready) = (Instant::now(), format!("{}/readyz", self.url()));
        while !client.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
            ensure!(started.elapsed() < LIMIT, "the server did not recover");
            sleep(Duration::from_millis(20)).await;
            self.supervise()?;
        }
        Ok(())
    }
}

fn spawn(program: &Program, address: SocketAddr) -> anyhow::Result<Child> {
    let log = log_file(&program.folder, address);
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    let mut command = program.command();
    command.args(["serve", "--metrics-listen", "127.0.0.1:0", "--listen", &address.to_string()]);
    Ok(command.stdout(Stdio::null()).stderr(log).spawn()?)
}

fn log_file(folder: &Path, address: SocketAddr) -> PathBuf {
    folder.join(format!("server-{}.log", address.port()))
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
