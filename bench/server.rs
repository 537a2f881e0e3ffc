//! The server process that is measured.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tokio::process::{Child, Command};
use unibooks::cli::environment_variables;

/// The unit of CPU times in `/proc`; on Linux it is the same on every architecture.
const TICKS_A_SECOND: f64 = 100.0;
/// Seals the secrets of webhook endpoints.
const SEALING_KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
/// Receivers of webhooks run on this machine.
const WEBHOOK_NETWORKS: &str = "127.0.0.0/8";
/// So long that only a defect of the server reaches it.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// The server program and how to run it.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<String>,
    log: PathBuf,
}

/// A running server. Killed when it is dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    log: PathBuf,
}

impl Program {
    /// The program at `path`. Its servers get additional `arguments` and write their logs to `folder`.
    pub fn new(path: PathBuf, arguments: &str, folder: &Path) -> Self {
        let arguments = arguments.split_whitespace().map(str::to_owned).collect();
        Self { path, arguments, log: folder.to_owned() }
    }

    fn command(&self, url: &str) -> Command {
        let mut command = Command::new(&self.path);
        for name in environment_variables() {
            command.env_remove(name);
        }
        // A folder without `.env`.
        command.current_dir(&self.log).env("DATABASE_URL", url);
        command.env("UNIBOOKS_SEALING_KEYS", SEALING_KEY).env("UNIBOOKS_WEBHOOK_NETWORKS", WEBHOOK_NETWORKS);
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs a command to its end and returns its standard output.
    pub async fn run_command(&self, url: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let Output { status, stdout, stderr } = self.command(url).args(arguments).output().await?;
        ensure!(status.success(), "unibooks {}: {}", arguments.join(" "), String::from_utf8_lossy(&stderr).trim());
        Ok(String::from_utf8(stdout)?)
    }

    /// Starts a server without waiting until it listens. Its log goes to a file, as in production.
    pub fn spawn(&self, url: &str, arguments: &[&str]) -> anyhow::Result<Server> {
        let address = free_address()?;
        let log = self.log.join(format!("server-{}.log", address.port()));
        let mut command = self.command(url);
        command.args(["serve", "--listen", &address.to_string(), "--metrics-listen", "127.0.0.1:0"]);
        command.args(&self.arguments).args(arguments).stdout(Stdio::null()).stderr(File::create(&log)?);
        let child = command.spawn().with_context(|| format!("{} does not run", self.path.display()))?;
        Ok(Server { child, address, log })
    }

    /// Starts a server with more `arguments` and waits until it listens.
    pub async fn serve(&self, url: &str, arguments: &[&str]) -> anyhow::Result<Server> {
        let mut server = self.spawn(url, arguments)?;
        server.wait_until_listening().await?;
        Ok(server)
    }
}

impl Server {
    /// Waits until the server accepts client connections.
    pub async fn wait_until_listening(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        while tokio::net::TcpStream::connect(self.address).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status}: {}", fs::read_to_string(&self.log)?.trim());
            }
            ensure!(started.elapsed() < READY_LIMIT, "the server never listened");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// The CPU time of the process so far, user and system, in seconds.
    pub fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let stat = self.proc("stat")?;
        // After the name, which may contain spaces, the times are the 12th and 13th field.
        let (_, fields) = stat.rsplit_once(')').context("/proc has an unknown format")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
        Ok(f64::from(ticks.sum::<Result<u32, _>>()?) / TICKS_A_SECOND)
    }

    /// The current resident memory, in MiB.
    pub fn resident_mib(&self) -> anyhow::Result<f64> {
        let status = self.proc("status")?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        Ok(f64::from(kib.context("/proc has an unknown format")?.parse::<u32>()?) / 1024.0)
    }

    fn proc(&self, file: &str) -> anyhow::Result<String> {
        let path = format!("/proc/{}/{file}", self.child.id().context("the server has ended")?);
        fs::read_to_string(&path).with_context(|| format!("{path} (the benchmark needs Linux)"))
    }

    /// Stops the server with SIGTERM and waits for its end.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().context("the server has ended too early")?;
        // The shell's built-in `kill`, because a slim system has no program of that name.
        Command::new("sh").args(["-c", &format!("kill -TERM {id}")]).status().await?;
        let status = self.child.wait().await?;
        ensure!(status.success(), "the server ended with {status}: {}", fs::read_to_string(&self.log)?.trim());
        Ok(fs::remove_file(&self.log)?)
    }
}

/// A local address that is free at the moment.
fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr())
}
