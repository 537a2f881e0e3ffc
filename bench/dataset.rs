//! A database that holds a given number of payments.

use anyhow::{Context, ensure};
use tokio::process::Command;
use uuid::Uuid;

use crate::bench::Bench;
use crate::load::{Expected, Load};
use crate::options::Window;
use crate::requests::{Requests, example};
use crate::server::{Program, Server};
use crate::session::Session;
use crate::tenant::Tenant;

/// The number of clients of a create load.
pub const CLIENTS: u32 = 64;

/// A separate database. The tenant is its largest connection.
pub struct Dataset {
    program: Program,
    url: String,
    database: String,
    pub tenant: Tenant,
    pub session: Session,
}

impl Dataset {
    /// Creates the database, migrates it and makes the tenant.
    pub async fn create(bench: &mut Bench, database: &str) -> anyhow::Result<Self> {
        Self::create_for(bench, bench.program.clone(), database).await
    }

    /// The same for another version of the server.
    pub async fn create_for(bench: &mut Bench, program: Program, database: &str) -> anyhow::Result<Self> {
        bench.session.create_database(database).await?;
        let url = bench.postgres.url(database);
        let tenant = Tenant::create(&program, &url).await?;
        let session = Session::open(bench.postgres.connect_options(database), tenant.connection).await?;
        Ok(Self { program, url, database: database.to_owned(), tenant, session })
    }

    /// Adds payments until a number of them is stored.
    pub async fn fill(&mut self, bench: &Bench, payments: u64) -> anyhow::Result<()> {
        eprintln!("filling {} to {payments} payments", self.database);
        let mut psql = Command::new(bench.postgres.program("psql")?);
        psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", &format!("--set=payments={payments}")]);
        psql.arg(format!("--set=connection={}", self.tenant.connection));
        psql.args(["--file", concat!(env!("CARGO_MANIFEST_DIR"), "/bench/fill.sql")]);
        let output = psql.arg(&self.url).kill_on_drop(true).output().await?;
        ensure!(output.status.success(), "psql: {}", String::from_utf8_lossy(&output.stderr));
        self.session.checkpoint().await
    }

    /// Starts a server on the database.
    pub async fn serve(&self) -> anyhow::Result<Server> {
        self.program.serve(&self.url, &[]).await
    }

    /// Makes one more tenant, whose key has these scopes.
    pub async fn add_tenant(&self, scopes: &[&str]) -> anyhow::Result<Tenant> {
        Tenant::add(&self.program, &self.url, scopes).await
    }

    /// Makes a webhook endpoint of the tenant's project, for all events or for those of the tenant's connection.
    pub async fn subscribe(&self, url: &str, connection: Option<Uuid>) -> anyhow::Result<()> {
        let (project, connection) = (self.tenant.project.to_string(), connection.map(|id| id.to_string()));
        let mut arguments = vec!["webhook", "create", "--project", &project, "--url", url, "--event", "*"];
        arguments.extend(connection.iter().flat_map(|id| ["--connection", id]));
        self.program.run_command(&self.url, &arguments).await.map(drop)
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
