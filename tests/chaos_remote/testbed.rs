//! The system under test: two servers, their Postgres, and accounting software behind a link. All faults hit it.

use std::time::{Duration, Instant};

use anyhow::ensure;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::books::Books;
use crate::client::Caller;
use crate::faults::{Fault, Kind};
use crate::node::Node;
use crate::options::Options;
use crate::program::Program;
use crate::server::Server;

/// So long that only a defect of the server reaches it.
const RECOVERY_LIMIT: Duration = Duration::from_mins(1);
/// So long without a write that ends that only a defect reaches it.
const SETTLE_LIMIT: Duration = Duration::from_mins(3);

/// The running system under test.
pub struct Testbed {
    // Dropped in this order: the processes that write to the folder end before it is removed.
    pub servers: [Server; 2],
    postgres: Node,
    pub books: Books,
    folder: TempDir,
    pub program: Program,
    pub caller: Caller,
}

impl Testbed {
    pub async fn start(options: &Options) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("unibooks-chaos-remote-")?;
        let postgres = Node::start(folder.path().join("data"), &[]).await?;
        let database_url = postgres.running()?.url();
        let program = Program { file: options.server.clone(), database_url, folder: folder.path().to_owned() };
        program.run(&["migrate"])?;
        let books = Books::start().await?;
        let text = |arguments: &[&str], member: &str| {
            let printed = program.json(arguments)?;
            ensure!(printed[member].is_string(), "no `{member}` in {printed}");
            Ok(printed[member].as_str().unwrap_or_default().to_owned())
        };
        let project = text(&["project", "create", "--name", "Chaos"], "id")?;
        let api_key = text(&["api-key", "create", "--project", &project, "--name", "Chaos"], "api_key")?;
        let (connection_id, connection_token) = books.connect(&program, &project)?;
        let servers = [program.serve()?, program.serve()?];
        let caller = Caller {
            servers: [&servers[0], &servers[1]].map(url),
            api_key,
            connection_id,
            connection_token,
            account_id: books.account_id(connection_id),
        };
        let mut testbed = Self { servers, postgres, books, folder, program, caller };
        testbed.wait_until_ready().await?;
        Ok(testbed)
    }

    /// Makes invoices of so many cents, and lets the server read them.
    pub async fn invoices(&mut self, cents: &[i64]) -> anyhow::Result<Vec<i64>> {
        self.books.sign_in().await;
        let mut invoices = Vec::new();
        for cents in cents {
            invoices.push(self.books.invoice(*cents).await);
        }
        self.program.run(&["sync", "run", "--connection", &self.caller.connection_id.to_string()])?;
        Ok(invoices)
    }

    /// A session of the server's database.
    pub async fn database(&self) -> anyhow::Result<PgConnection> {
        Ok(PgConnection::connect_with(&self.postgres.connect_options()?).await?)
    }

    /// Injects a fault, and starts again every process that it ended. Returns whether it came about.
    pub async fn inject(&mut self, fault: &Fault) -> anyhow::Result<bool> {
        sleep(fault.delay).await;
        let mut has_come = true;
        match fault.kind {
            Kind::KillServer(server) => {
                self.servers[server].kill()?;
                sleep(fault.downtime).await;
                self.servers[server].restart()?;
            }
            Kind::StopServer(server) => {
                self.servers[server].stop().await?;
                sleep(fault.downtime).await;
                self.servers[server].restart()?;
            }
            Kind::KillPostgres => {
                self.postgres.kill().await?;
                sleep(fault.downtime).await;
                self.postgres.restart().await?;
            }
            Kind::KillSoftware => {
                self.books.kill();
                sleep(fault.downtime).await;
                self.books.restart().await;
            }
            Kind::CutSoftware(request, cut) => self.books.link.cut(request, cut),
            Kind::EndLeases => self.end_leases().await.unwrap_or_default(),
            Kind::Overlap(overlap) => has_come = overlap.inject(self).await?,
        }
        self.supervise().await?;
        Ok(has_come)
    }

    /// Ends all leases and all pauses.
    pub async fn end_leases(&self) -> anyhow::Result<()> {
        let end = "update remote_write set lease_until = now(), due_at = now() where lease_until > now()";
        sqlx::raw_sql(end).execute(&mut self.database().await?).await?;
        self.end_pauses().await
    }

    /// Makes all open writes due that nobody works on.
    pub async fn end_pauses(&self) -> anyhow::Result<()> {
        let end = "update remote_write set due_at = now()
                       where due_at > now() and (lease_until is null or lease_until <= now());
                   update connection_software set retry_at = null where retry_at > now()";
        sqlx::raw_sql(end).execute(&mut self.database().await?).await?;
        Ok(())
    }

    /// Puts a write before all others that are due, unless an attempt at it is under way.
    pub async fn hasten(&self, write_key: &str) -> anyhow::Result<()> {
        let hasten = "update remote_write set due_at = now() - interval '1 hour'
                      where write_key = $1 and due_at is not null and (lease_until is null or lease_until <= now())";
        sqlx::query(hasten).bind(write_key).execute(&mut self.database().await?).await?;
        Ok(())
    }

    /// Starts again a process that has ended by itself, as a service manager does.
    async fn supervise(&mut self) -> anyhow::Result<()> {
        self.postgres.supervise().await?;
        self.servers.iter_mut().try_for_each(Server::supervise)
    }

    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
        for server in &mut self.servers {
            let (started, ready) = (Instant::now(), format!("{}/readyz", url(server)));
            while !client.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
                ensure!(started.elapsed() < RECOVERY_LIMIT, "the server did not recover");
                sleep(Duration::from_millis(20)).await;
                server.supervise()?;
            }
        }
        Ok(())
    }

    /// Waits until every write has ended, without the pauses that a person would wait out. Then the books can be read.
    pub async fn settle(&mut self) -> anyhow::Result<()> {
        self.wait_until_ready().await?;
        self.end_leases().await?;
        let (mut since, mut fewest) = (Instant::now(), i64::MAX);
        loop {
            let open = "select count(*) from remote_write where state in ('pending', 'sending', 'unknown')";
            let open: i64 = sqlx::query_scalar(open).fetch_one(&mut self.database().await?).await?;
            if open == 0 {
                self.books.sign_in().await;
                return Ok(());
            }
            if open < fewest {
                (since, fewest) = (Instant::now(), open);
            }
            ensure!(since.elapsed() < SETTLE_LIMIT, "{open} writes do not end");
            sleep(Duration::from_millis(500)).await;
            self.end_pauses().await?;
            self.supervise().await?;
        }
    }

    /// Stops all processes. After a failure the folder is kept for analysis.
    pub async fn stop(mut self, succeeded: bool) {
        if !succeeded {
            self.folder.disable_cleanup(true);
            eprintln!("log and database are kept in {}", self.folder.path().display());
        }
        for server in &mut self.servers {
            server.stop().await.ok();
        }
        self.postgres.stop().await.ok();
    }
}

/// The base URL of a server, for clients.
fn url(server: &Server) -> String {
    format!("http://{}", server.address)
}
