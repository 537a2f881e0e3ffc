//! A database that holds a given number of payments.

use anyhow::{Context, ensure};
use tokio::process::Command;

use crate::bench::Bench;
use crate::load::{Expected, Load};
use crate::options::Window;
use crate::requests::{Requests, example};
use crate::server::Server;
use crate::session::Session;
use crate::tenant::Tenant;

/// The number of clients of a create load.
pub const CLIENTS: u32 = 64;

/// A separate database. The tenant is its largest connection.
pub struct Dataset {
    database: String,
    pub tenant: Tenant,
    pub session: Session,
}

impl Dataset {
    /// Creates the database, migrates it and makes the tenant.
    pub async fn create(bench: &mut Bench, database: &str) -> anyhow::Result<Self> {
        bench.session.create_database(database).await?;
        let tenant = Tenant::create(&bench.program, &bench.postgres.url(database)).await?;
        let session = Session::open(bench.postgres.connect_options(database), tenant.connection).await?;
        Ok(Self { database: database.to_owned(), tenant, session })
    }

    /// Adds payments until a number of them is stored.
    pub async fn fill(&mut self, bench: &Bench, payments: u64) -> anyhow::Result<()> {
        eprintln!("growth, filling {} to {payments} payments", self.database);
        let mut psql = Command::new(bench.postgres.program("psql")?);
        psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", &format!("--set=payments={payments}")]);
        psql.arg(format!("--set=connection={}", self.tenant.connection));
        psql.args(["--file", concat!(env!("CARGO_MANIFEST_DIR"), "/bench/fill.sql")]);
        let output = psql.arg(bench.postgres.url(&self.database)).kill_on_drop(true).output().await?;
        ensure!(output.status.success(), "psql: {}", String::from_utf8_lossy(&output.stderr));
        self.session.checkpoint().await
    }

    /// Starts a server on the database.
    pub async fn serve(&self, bench: &Bench) -> anyhow::Result<Server> {
        bench.program.serve(&bench.postgres.url(&self.database), &[]).await
    }

    /// Measures new payments a second.
    pub async fn creates(&mut self, server: &Server, window: Window) -> anyhow::Result<f64> {
        let requests = Requests::fresh(server.address, &self.tenant, &example());
        let mut load = Load::open(&[(server.address, requests)], CLIENTS).await?;
        let since = self.session.now().await?;
        let tally = load.run(window, Expected::CREATED).await?;
        self.session.check(since, tally.answers).await?;
        Ok(tally.rate())
    }

    /// Drops the database.
    pub async fn drop(self, bench: &mut Bench) -> anyhow::Result<()> {
        self.session.close().await?;
        bench.session.drop_database(&self.database).await.with_context(|| format!("{} was not dropped", self.database))
    }
}
