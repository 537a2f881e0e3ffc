//! The system under test, with the network around it: clients – proxy – server – proxy – Postgres. All faults hit it.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rustix::process::Signal;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::time::sleep;
use unibooks::db::private::{self, PrivatePostgres};

use crate::faults::{Fault, Kind};
use crate::options::Options;
use crate::payments::TestPayment;
use crate::pgbouncer::{Mode, Pooler};
use crate::processes::{children, postmaster, signal};
use crate::proxy::{Proxy, Target};
use crate::server::Server;
use crate::tenant::{Tenant, command};

/// So long that only a defect reaches it.
const RECOVERY_LIMIT: Duration = Duration::from_mins(2);

/// The running system under test.
pub struct Testbed {
    // Dropped in this order: the processes that write to the folder end before it is removed.
    server: Server,
    postgres: Option<PrivatePostgres>,
    folder: TempDir,
    to_server: Proxy,
    /// To the pooler; without one, to Postgres.
    to_database: Proxy,
    pooler: Option<(Pooler, Proxy)>,
    pub tenants: Vec<Tenant>,
}

impl Testbed {
    pub async fn start(options: &Options) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("unibooks-chaos-")?;
        let postgres = start_postgres(folder.path()).await?;
        let connect_options = postgres.connect_options();
        let socket = connect_options
            .get_socket()
            .context("a Unix socket")?
            .join(format!(".s.PGSQL.{}", connect_options.get_port()));
        let migrated = command(&options.server, &postgres.url()).arg("migrate").output()?;
        ensure!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        let tenants = (0..2).map(|_| Tenant::create(&options.server, &postgres.url())).collect::<Result<_, _>>()?;

        let to_postgres = Proxy::start(Target::Unix(socket)).await?;
        let (to_database, pooler) = match options.pooler {
            None => (to_postgres, None),
            Some(mode) => {
                set_role_defaults(&connect_options).await?;
                let port = free_address()?.port();
                let owner = connect_options.get_socket().context("a Unix socket")?;
                let (host, host_port) = (to_postgres.address.ip().to_string(), to_postgres.address.port());
                let settings = folder.path().join("pooler");
                let pooler = Pooler::start(&settings, owner, &host, host_port, port, mode.settings())?;
                (Proxy::start(Target::Tcp(pooler.address())).await?, Some((pooler, to_postgres)))
            }
        };
        let (user, database) = (connect_options.get_username(), connect_options.get_database().context("a database")?);
        let url = format!("postgres://{user}@{}/{database}?sslmode=disable", to_database.address);
        let pooling = if options.pooler == Some(Mode::Transaction) { "transaction" } else { "session" };

        let address = free_address()?;
        let server = Server::start(&options.server, &url, pooling, address, folder.path())?;
        let to_server = Proxy::start(Target::Tcp(address)).await?;
        let mut testbed = Self { server, postgres: Some(postgres), folder, to_server, to_database, pooler, tenants };
        testbed.wait_until_ready().await?;
        Ok(testbed)
    }

    /// The base URL for clients.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.to_server.address)
    }

    /// The tenant of a payment.
    pub fn tenant_of(&self, payment: &TestPayment) -> &Tenant {
        &self.tenants[payment.tenant()]
    }

    /// How to connect to the database without a proxy.
    pub fn database(&self) -> anyhow::Result<PgConnectOptions> {
        Ok(self.postgres.as_ref().context("Postgres is away")?.connect_options())
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Injects a fault, and starts again every process that it ended.
    pub async fn inject(&mut self, fault: &Fault) -> anyhow::Result<()> {
        sleep(fault.delay).await;
        match fault.kind {
            Kind::KillServer => {
                self.server.kill()?;
                sleep(fault.downtime).await;
                self.server.restart()?;
            }
            Kind::KillPostgres => {
                self.kill_postgres().await?;
                sleep(fault.downtime).await;
                self.restart_postgres().await?;
            }
            Kind::KillBoth => {
                self.kill_postgres().await?;
                self.server.kill()?;
                sleep(fault.downtime).await;
                self.restart_postgres().await?;
                self.server.restart()?;
            }
            Kind::KillBackend => {
                let processes = postmaster(&self.data_directory()).map(children).unwrap_or_default();
                let target = usize::try_from(fault.mask % 1_000)? % processes.len().max(1);
                processes.get(target).inspect(|&&pid| signal(pid, Signal::KILL));
            }
            Kind::StopServer => {
                self.server.stop().await?;
                sleep(fault.downtime).await;
                self.server.restart()?;
            }
            Kind::StopPostgres => {
                self.postgres.take().context("Postgres is away")?.stop().await?;
                sleep(fault.downtime).await;
                self.restart_postgres().await?;
            }
            Kind::CutClients(cut) => self.to_server.cut(cut, fault.mask),
            Kind::CutDatabase(cut) => self.to_database.cut(cut, fault.mask),
            Kind::CutPooler(cut) => {
                let link = self.pooler.as_ref().map_or(&self.to_database, |(_, to_postgres)| to_postgres);
                link.cut(cut, fault.mask);
            }
            Kind::KillPooler => {
                if let Some((pooler, _)) = &mut self.pooler {
                    pooler.kill()?;
                    sleep(fault.downtime).await;
                    pooler.restart()?;
                }
            }
        }
        self.supervise().await
    }

    /// Starts again a process that has ended by itself, as a service manager does. Postgres ends if the process that
    /// recovers it is killed.
    async fn supervise(&mut self) -> anyhow::Result<()> {
        if postmaster(&self.data_directory()).is_none() {
            self.postgres = None;
            self.restart_postgres().await?;
        }
        self.server.supervise()
    }

    /// Waits until the server is ready again.
    pub async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        let ready = format!("{}/readyz", self.base_url());
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(8)).build()?;
        while !client.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
            ensure!(started.elapsed() < RECOVERY_LIMIT, "the server did not recover");
            sleep(Duration::from_millis(10)).await;
            self.supervise().await?;
        }
        Ok(())
    }

    /// Stops all processes. After a failure the folder is kept for analysis.
    pub async fn stop(mut self, succeeded: bool) {
        if !succeeded {
            self.folder.disable_cleanup(true);
            eprintln!("journal, log and database are kept in {}", self.folder.path().display());
        }
        self.server.stop().await.ok();
        if let Some(postgres) = self.postgres.take() {
            postgres.stop().await.ok();
        }
    }

    fn data_directory(&self) -> PathBuf {
        self.folder.path().join("data/postgres")
    }

    /// Kills all processes at once, as a power failure would; but what the kernel has buffered is not lost.
    async fn kill_postgres(&mut self) -> anyhow::Result<()> {
        if let Some(postmaster) = postmaster(&self.data_directory()) {
            // The postmaster is stopped first, so that it starts no backend between the listing and the kill. A backend
            // that waits for a startup packet would live a minute longer, and Postgres could not start meanwhile.
            signal(postmaster, Signal::STOP);
            let backends = children(postmaster);
            signal(postmaster, Signal::KILL);
            for backend in backends {
                signal(backend, Signal::KILL);
            }
        }
        // Its supervisor notices the end, too.
        Ok(self.postgres.take().context("Postgres is away")?.stop().await?)
    }

    async fn restart_postgres(&mut self) -> anyhow::Result<()> {
        self.postgres = Some(start_postgres(self.folder.path()).await?);
        Ok(())
    }
}

async fn start_postgres(folder: &Path) -> anyhow::Result<PrivatePostgres> {
    let options = private::Options { data_dir: folder.join("data"), binaries: None, settings: Vec::new() };
    Ok(PrivatePostgres::start(options).await?)
}

/// Sets the server's session parameters as defaults of the role. A pooler in session mode drops startup options.
async fn set_role_defaults(connect_options: &PgConnectOptions) -> anyhow::Result<()> {
    let mut session = PgConnection::connect_with(connect_options).await?;
    let statement = "alter role unibooks set statement_timeout = '5s'; alter role unibooks set timezone = 'UTC'";
    sqlx::raw_sql(statement).execute(&mut session).await?;
    Ok(session.close().await?)
}

/// A local address that is free at the moment.
fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr())
}
