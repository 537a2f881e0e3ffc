//! A server process, with a supervisor that starts it again.

use std::fs::{File, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::ensure;
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use crate::processes::signal;

/// So long that only a defect of the server reaches it.
const STOP_LIMIT: Duration = Duration::from_mins(1);

/// A server under supervision. Killed when it is dropped.
pub struct Server {
    command: Command,
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    log: PathBuf,
    /// How often it ended without being stopped or killed.
    pub unexpected_exits: u32,
}

impl Server {
    /// Starts it at `address`, with its log in a file. `command` is the program with its settings.
    pub fn start(mut command: Command, address: SocketAddr, log: PathBuf) -> anyhow::Result<Self> {
        command.args(["serve", "--metrics-listen", "127.0.0.1:0", "--listen", &address.to_string()]);
        let child = spawn(&mut command, &log)?;
        Ok(Self { command, child, address, log, unexpected_exits: 0 })
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
        self.child = spawn(&mut self.command, &self.log)?;
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

fn spawn(command: &mut Command, log: &Path) -> anyhow::Result<Child> {
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    Ok(command.stdout(Stdio::null()).stderr(log).spawn()?)
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
