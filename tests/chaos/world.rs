//! Clients – network – server – network – Postgres: everything that can be struck.

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
use crate::payments::PaymentData;
use crate::pgbouncer::{Mode, Pooler};
use crate::processes::{children, postmaster, signal};
use crate::proxy::{Proxy, Target};
use crate::server::Server;
use crate::tenant::{Tenant, command};

/// Only a fault reaches it.
const RECOVERY: Duration = Duration::from_mins(2);

/// All of it.
pub struct World {
    // Dropped in this order: nobody writes any more when the folder goes.
    server: Server,
    postgres: Option<PrivatePostgres>,
    folder: TempDir,
    to_server: Proxy,
    /// To the pooler, or without one to Postgres.
    to_database: Proxy,
    pooler: Option<(Pooler, Proxy)>,
    pub tenants: Vec<Tenant>,
}

impl World {
    pub async fn start(options: &Options) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("unibooks-chaos-")?;
        let postgres = start_postgres(folder.path()).await?;
        let reach = postgres.connect_options();
        let socket = reach.get_socket().context("a Unix socket")?.join(format!(".s.PGSQL.{}", reach.get_port()));
        let migrated = command(&options.server, &postgres.url()).arg("migrate").output()?;
        ensure!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        let tenants = (0..2).map(|_| Tenant::create(&options.server, &postgres.url())).collect::<Result<_, _>>()?;

        let to_postgres = Proxy::start(Target::Unix(socket)).await?;
        let (to_database, pooler) = match options.pooler {
            None => (to_postgres, None),
            Some(mode) => {
                set_for_the_role(&reach).await?;
                let port = free_address()?.port();
                let owner = reach.get_socket().context("a Unix socket")?;
                let (host, host_port) = (to_postgres.address.ip().to_string(), to_postgres.address.port());
                let settings = folder.path().join("pooler");
                let pooler = Pooler::start(&settings, owner, &host, host_port, port, mode.settings())?;
                (Proxy::start(Target::Tcp(pooler.address())).await?, Some((pooler, to_postgres)))
            }
        };
        let (user, database) = (reach.get_username(), reach.get_database().context("a database")?);
        let url = format!("postgres://{user}@{}/{database}?sslmode=disable", to_database.address);
        let pooling = if options.pooler == Some(Mode::Transaction) { "transaction" } else { "session" };

        let address = free_address()?;
        let server = Server::start(&options.server, &url, pooling, address, folder.path())?;
        let to_server = Proxy::start(Target::Tcp(address)).await?;
        let mut world = Self { server, postgres: Some(postgres), folder, to_server, to_database, pooler, tenants };
        world.heal().await?;
        Ok(world)
    }

    /// Where clients call.
    pub fn base(&self) -> String {
        format!("http://{}", self.to_server.address)
    }

    /// For whom a payment is made.
    pub fn tenant_of(&self, payment: &PaymentData) -> &Tenant {
        &self.tenants[payment.tenant()]
    }

    /// How to reach the database past the network.
    pub fn database(&self) -> anyhow::Result<PgConnectOptions> {
        Ok(self.postgres.as_ref().context("Postgres is away")?.connect_options())
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Lets a fault happen, and starts again all that it ended.
    pub async fn strike(&mut self, fault: &Fault) -> anyhow::Result<()> {
        sleep(fault.delay).await;
        match fault.kind {
            Kind::KillServer => {
                self.server.kill()?;
                sleep(fault.absence).await;
                self.server.restart()?;
            }
            Kind::KillPostgres => {
                self.kill_postgres().await?;
                sleep(fault.absence).await;
                self.restart_postgres().await?;
            }
            Kind::KillBoth => {
                self.kill_postgres().await?;
                self.server.kill()?;
                sleep(fault.absence).await;
                self.restart_postgres().await?;
                self.server.restart()?;
            }
            Kind::KillBackend => {
                let backends = postmaster(&self.cluster()).map(children).unwrap_or_default();
                let struck = usize::try_from(fault.mask % 1_000)? % backends.len().max(1);
                backends.get(struck).inspect(|&&pid| signal(pid, Signal::KILL));
            }
            Kind::StopServer => {
                self.server.stop().await?;
                sleep(fault.absence).await;
                self.server.restart()?;
            }
            Kind::StopPostgres => {
                self.postgres.take().context("Postgres is away")?.stop().await?;
                sleep(fault.absence).await;
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
                    sleep(fault.absence).await;
                    pooler.restart()?;
                }
            }
        }
        self.supervise().await
    }

    /// Starts again what has ended by itself, as a service manager does. Postgres does when a process without which it
    /// cannot start is killed.
    async fn supervise(&mut self) -> anyhow::Result<()> {
        if postmaster(&self.cluster()).is_none() {
            self.postgres = None;
            self.restart_postgres().await?;
        }
        self.server.supervise()
    }

    /// Waits until everything works again.
    pub async fn heal(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        let ready = format!("{}/readyz", self.base());
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(8)).build()?;
        while !client.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
            ensure!(started.elapsed() < RECOVERY, "the server did not recover");
            sleep(Duration::from_millis(10)).await;
            self.supervise().await?;
        }
        Ok(())
    }

    /// Ends everything. The folder stays when somebody will want to look into it.
    pub async fn end(mut self, is_good: bool) {
        if !is_good {
            self.folder.disable_cleanup(true);
            eprintln!("journal, log and database are kept in {}", self.folder.path().display());
        }
        self.server.stop().await.ok();
        if let Some(postgres) = self.postgres.take() {
            postgres.stop().await.ok();
        }
    }

    fn cluster(&self) -> PathBuf {
        self.folder.path().join("data/postgres")
    }

    /// All at once, as when the machine loses its power; only that what the kernel had taken stays.
    async fn kill_postgres(&mut self) -> anyhow::Result<()> {
        if let Some(postmaster) = postmaster(&self.cluster()) {
            // Stopped first, so that none is born between the look and the kill: one that still waits for its client's
            // first word would outlive the others by a minute, and nothing could start meanwhile.
            signal(postmaster, Signal::STOP);
            let backends = children(postmaster);
            signal(postmaster, Signal::KILL);
            for backend in backends {
                signal(backend, Signal::KILL);
            }
        }
        // Who looks after it notices the end, too.
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

/// A pooler in session mode drops what the server asks for when it connects; the role asks for it instead.
async fn set_for_the_role(reach: &PgConnectOptions) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect_with(reach).await?;
    let statement = "alter role unibooks set statement_timeout = '5s'; alter role unibooks set timezone = 'UTC'";
    sqlx::raw_sql(statement).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

/// An address that nobody listens on now.
fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr())
}
