//! The baseline: pgbench on the same tables.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::process::Command;
use uuid::Uuid;

use crate::options::Window;
use crate::postgres::Postgres;
use crate::tally::Tally;

/// The limit of the extra time in which all clients connect.
const MAX_SPARE: Duration = Duration::from_mins(2);

/// How a payment can be written without the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Script {
    /// One prepared statement that commits by itself: a transaction a payment in its cheapest form.
    Statement,
    /// `begin`, two inserts, `commit`.
    Transaction,
    /// 32 payments in one statement and one transaction.
    Batch,
}

/// pgbench on one database, for one connection.
pub struct Pgbench {
    program: PathBuf,
    url: String,
    connection: Uuid,
    logs: PathBuf,
}

impl Script {
    fn file(self) -> PathBuf {
        let name = match self {
            Self::Statement => "create_payment.sql",
            Self::Transaction => "create_payment_transaction.sql",
            Self::Batch => "create_payment_batch.sql",
        };
        [env!("CARGO_MANIFEST_DIR"), "bench", name].iter().collect()
    }

    /// How many payments one transaction stores.
    pub fn payments(self) -> u32 {
        if self == Self::Batch { 32 } else { 1 }
    }
}

impl Pgbench {
    /// Finds pgbench, which will store payments of one connection in a database.
    pub fn new(postgres: &Postgres, database: &str, connection: Uuid) -> anyhow::Result<Self> {
        let (program, url) = (postgres.program("pgbench")?, postgres.url(database));
        Ok(Self { program, url, connection, logs: postgres.folder().join("pgbench") })
    }

    /// Runs a script with a number of clients: in a closed loop, or in an open loop at a rate, where latency counts
    /// from the moment at which a transaction was due. The tally counts transactions.
    pub async fn run(&self, script: Script, clients: u32, rate: Option<f64>, window: Window) -> anyhow::Result<Tally> {
        // Its time includes that in which its clients connect, so it runs longer than the window.
        let mut spare = Duration::from_secs(1 + u64::from(clients) / 128);
        let mut earlier = 0;
        while spare < MAX_SPARE {
            let mut tally = self.attempt(script, clients, rate, window, spare).await?;
            tally.answers += earlier;
            if tally.is_whole() {
                return Ok(tally);
            }
            earlier = tally.answers;
            spare *= 3;
        }
        bail!("pgbench needs more than {} s to connect", (MAX_SPARE / 3).as_secs())
    }

    async fn attempt(
        &self,
        script: Script,
        clients: u32,
        rate: Option<f64>,
        window: Window,
        spare: Duration,
    ) -> anyhow::Result<Tally> {
        fs::create_dir(&self.logs)?;
        let mut command = Command::new(&self.program);
        command.args(["--no-vacuum", "--protocol=prepared", "--log", "--log-prefix"]).arg(self.logs.join("log"));
        command.arg("--file").arg(script.file());
        command.args([format!("--client={clients}"), format!("--jobs={}", clients.min(2))]);
        command.arg(format!("--time={}", (window.whole() + spare).as_secs()));
        command.args(rate.map(|rate| format!("--rate={rate}")));
        command.args([format!("--define=connection={}", self.connection), self.url.clone()]);
        let output = command.kill_on_drop(true).output().await?;
        let (printed, errors) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
        ensure!(output.status.success(), "pgbench: {printed}{errors}");
        let tally = read_logs(&self.logs, window)?;
        fs::remove_dir_all(&self.logs)?;
        let claim = format!("number of transactions actually processed: {}\n", tally.answers);
        ensure!(printed.contains(&claim), "pgbench logged {} transactions: {printed}", tally.answers);
        Ok(tally)
    }
}

/// A transaction in pgbench's log; both times in microseconds.
struct Logged {
    ended: u64,
    took: u64,
}

impl Logged {
    /// `client transaction took script seconds microseconds [lag]`
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(' ').skip(2).map(str::parse::<u64>);
        let mut next = || fields.next()?.ok();
        let (took, _script, seconds, micros) = (next()?, next()?, next()?, next()?);
        Some(Self { ended: seconds * 1_000_000 + micros, took })
    }
}

/// Reads the logs of all threads. Time starts with the first transaction, when all clients are connected.
fn read_logs(folder: &Path, window: Window) -> anyhow::Result<Tally> {
    let mut logged = Vec::new();
    for file in fs::read_dir(folder)? {
        for line in fs::read_to_string(file?.path())?.lines() {
            logged.push(Logged::parse(line).with_context(|| format!("pgbench logged `{line}`"))?);
        }
    }
    let begin = logged.iter().map(|Logged { ended, took }| ended - took).min().unwrap_or_default();
    let mut tally = Tally::new(window);
    for Logged { ended, took } in logged {
        tally.add(Duration::from_micros(ended - begin), Duration::from_micros(took))?;
    }
    Ok(tally)
}
