//! The server process, with a supervisor that starts it again.

use std::fs::{File, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::ensure;
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use crate::processes::signal;
use crate::tenant::command;

/// So long that only a defect of the server reaches it.
const STOP_LIMIT: Duration = Duration::from_secs(40);

/// A server under supervision. Killed when it is dropped.
pub struct Server {
    child: Child,
    program: PathBuf,
    url: String,
    /// The setting `UNIBOOKS_DATABASE_POOLING`.
    pooling: &'static str,
    address: SocketAddr,
    log: PathBuf,
    /// How often it ended without being stopped or killed.
    pub unexpected_exits: u32,
}

impl Server {
    /// Starts it at `address`, on the database at `url`, with its log in `folder`.
    pub fn start(
        program: &Path,
        url: &str,
        pooling: &'static str,
        address: SocketAddr,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let log = folder.join("server.log");
        let child = spawn(program, url, pooling, address, &log)?;
        let (program, url) = (program.to_owned(), url.to_owned());
        Ok(Self { child, program, url, pooling, address, log, unexpected_exits: 0 })
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
            ensure!(started.elapsed() < STOP_LIMIT, "the server does not end");
            sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    /// Starts it again after it was killed or stopped.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.child = spawn(&self.program, &self.url, self.pooling, self.address, &self.log)?;
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

    /// Returns the log since the last call, and truncates it.
    pub fn take_log(&self) -> std::io::Result<String> {
        let log = std::fs::read(&self.log)?;
        // The server writes in append mode, so truncating is safe.
        File::options().write(true).open(&self.log)?.set_len(0)?;
        Ok(String::from_utf8_lossy(&log).into_owned())
    }
}

fn spawn(program: &Path, url: &str, pooling: &str, address: SocketAddr, log: &Path) -> anyhow::Result<Child> {
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    let mut command = command(program, url);
    command.env("UNIBOOKS_DATABASE_POOLING", pooling);
    command.args(["serve", "--metrics-listen", "127.0.0.1:0", "--listen", &address.to_string()]);
    Ok(command.stdout(Stdio::null()).stderr(log).spawn()?)
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
