//! Shared by all parts: one Postgres, one tenant, one server program.

use crate::options::Options;
use crate::pgbench::{Pgbench, Script};
use crate::postgres::{MAIN, Postgres};
use crate::server::{Program, Server};
use crate::session::Session;
use crate::tally::Tally;
use crate::tenant::Tenant;

/// The environment in which the parts run.
pub struct Bench {
    pub options: Options,
    pub tenant: Tenant,
    pub session: Session,
    pub program: Program,
    pgbench: Pgbench,
    pub postgres: Postgres,
}

impl Bench {
    /// Starts Postgres, migrates the main database and makes the tenant.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let postgres = Postgres::start(options.disk()).await?;
        let program = Program::new(options.server.clone(), &options.server_arguments, postgres.folder());
        let tenant = Tenant::create(&program, &postgres.url(MAIN)).await?;
        let session = Session::open(postgres.connect_options(MAIN), tenant.connection).await?;
        let pgbench = Pgbench::new(&postgres, MAIN, tenant.connection)?;
        Ok(Self { options, tenant, session, program, pgbench, postgres })
    }

    /// Starts a server on the main database.
    pub async fn serve(&self) -> anyhow::Result<Server> {
        self.serve_with(&[]).await
    }

    /// Starts a server on the main database with more arguments.
    pub async fn serve_with(&self, arguments: &[&str]) -> anyhow::Result<Server> {
        self.program.serve(&self.postgres.url(MAIN), arguments).await
    }

    /// Runs pgbench on the main database, and checks that it stored as many payments as it reports.
    pub async fn pgbench(&mut self, script: Script, clients: u32, rate: Option<f64>) -> anyhow::Result<Tally> {
        let since = self.session.now().await?;
        let tally = self.pgbench.run(script, clients, rate, self.options.window()).await?;
        self.session.check(since, tally.answers * u64::from(script.payments())).await?;
        Ok(tally)
    }

    /// Closes the session and stops Postgres.
    pub async fn stop(self) -> anyhow::Result<()> {
        let Self { session, postgres, .. } = self;
        session.close().await?;
        postgres.stop().await
    }
}
