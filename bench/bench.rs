//! What all parts share: one Postgres, one tenant, one program.

use crate::options::Options;
use crate::pgbench::{Pgbench, Script};
use crate::postgres::{MAIN, Postgres};
use crate::server::{Program, Server};
use crate::store::Store;
use crate::tally::Tally;
use crate::tenant::Tenant;

/// Everything that stands while the parts run.
pub struct Bench {
    pub options: Options,
    pub tenant: Tenant,
    pub store: Store,
    pub program: Program,
    pgbench: Pgbench,
    pub postgres: Postgres,
}

impl Bench {
    /// Starts Postgres and makes the tenant on a migrated database.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let postgres = Postgres::start(options.disk()).await?;
        let program = Program::new(options.server.clone(), &options.server_arguments, postgres.folder());
        let tenant = Tenant::create(&program, &postgres.url(MAIN)).await?;
        let store = Store::open(postgres.connect_options(MAIN), tenant.connection).await?;
        let pgbench = Pgbench::new(&postgres, MAIN, tenant.connection)?;
        Ok(Self { options, tenant, store, program, pgbench, postgres })
    }

    /// A server on the main database.
    pub async fn serve(&self) -> anyhow::Result<Server> {
        self.program.serve(&self.postgres.url(MAIN)).await
    }

    /// A run of pgbench on the main database, after a look that it stored what it said.
    pub async fn pgbench(&mut self, script: Script, clients: u32, rate: Option<f64>) -> anyhow::Result<Tally> {
        let since = self.store.now().await?;
        let tally = self.pgbench.run(script, clients, rate, self.options.window()).await?;
        self.store.check(since, tally.answers * u64::from(script.payments())).await?;
        Ok(tally)
    }

    /// Ends everything in order.
    pub async fn stop(self) -> anyhow::Result<()> {
        let Self { store, postgres, .. } = self;
        store.close().await?;
        postgres.stop().await
    }
}
