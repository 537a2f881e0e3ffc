//! The yardstick: pgbench on the same tables.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use tokio::process::Command;
use uuid::Uuid;

use crate::options::Window;
use crate::postgres::Postgres;

/// How a payment can be written without the server.
#[derive(Debug, Clone, Copy)]
pub enum Script {
    /// One prepared statement that commits by itself: a transaction a payment in its cheapest form.
    Statement,
    /// begin, two inserts, commit.
    Transaction,
    /// 32 payments in one statement and one transaction.
    Batch,
}

/// pgbench, ready to run.
pub struct Pgbench {
    program: PathBuf,
    url: String,
    connection: Uuid,
}

/// What a run has done.
#[derive(Debug)]
pub struct Run {
    /// All payments that it says it stored.
    pub payments: u64,
    /// Payments a second in the window.
    pub rate: f64,
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

    fn payments(self) -> u32 {
        if matches!(self, Self::Batch) { 32 } else { 1 }
    }
}

impl Pgbench {
    /// pgbench on a database, writing payments of one connection.
    pub fn new(postgres: &Postgres, database: &str, connection: Uuid) -> anyhow::Result<Self> {
        Ok(Self { program: postgres.program("pgbench")?, url: postgres.url(database), connection })
    }

    /// Runs a script with a number of clients. The rate is that of the seconds behind the warm-up.
    pub async fn run(&self, script: Script, clients: usize, window: Window) -> anyhow::Result<Run> {
        let mut command = Command::new(&self.program);
        command.args(["--no-vacuum", "--protocol=prepared", "--progress=1", "--file"]).arg(script.file());
        command.args([format!("--client={clients}"), format!("--jobs={}", clients.min(2))]);
        command.arg(format!("--time={}", window.whole().as_secs()));
        command.args([format!("--define=connection={}", self.connection), self.url.clone()]);
        let output = command.kill_on_drop(true).output().await?;
        let (printed, progress) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
        ensure!(output.status.success(), "pgbench: {printed}{progress}");
        let transactions =
            printed.lines().find_map(|line| line.strip_prefix("number of transactions actually processed: "));
        let transactions: u64 = transactions.with_context(|| format!("pgbench: {printed}"))?.parse()?;
        let rate = rate(&progress, window).with_context(|| format!("pgbench: {progress}"))?;
        let payments = script.payments();
        Ok(Run { payments: transactions * u64::from(payments), rate: rate * f64::from(payments) })
    }
}

/// The mean of the lines `progress: 3.0 s, 1234.5 tps, …`, one a second, that lie behind the warm-up.
fn rate(progress: &str, window: Window) -> Option<f64> {
    let lines = progress.lines().filter_map(|line| {
        let (time, rest) = line.strip_prefix("progress: ")?.split_once(" s, ")?;
        let (rate, _) = rest.split_once(" tps")?;
        Some((time.parse::<f64>().ok()?, rate.parse::<f64>().ok()?))
    });
    let behind = window.warm_up.as_secs_f64() + 0.5;
    let rates: Vec<f64> = lines.filter(|(time, _)| *time > behind).map(|(_, rate)| rate).collect();
    #[expect(clippy::cast_precision_loss, reason = "a few lines")]
    (!rates.is_empty()).then(|| rates.iter().sum::<f64>() / rates.len() as f64)
}
