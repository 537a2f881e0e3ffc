//! The system under test, with the network around it: clients – proxy – server – proxy – Postgres. All faults hit it.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rustix::process::Signal;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::cluster::{CITUS_SETTINGS, WORKERS, connect_nodes};
use crate::faults::{Fault, Kind};
use crate::node::Node;
use crate::options::Options;
use crate::payments::TestPayment;
use crate::pgbouncer::{Mode, Pooler};
use crate::processes::signal;
use crate::proxy::{Proxy, Target};
use crate::server::Server;
use crate::subscriber::{Subscriber, let_time_pass};
use crate::tenant::{Tenant, command, create_project};

/// So long that only a defect reaches it.
const RECOVERY_LIMIT: Duration = Duration::from_mins(2);

/// The number of connections of each project.
const CONNECTIONS: [usize; 2] = [2, 1];

/// The running system under test.
pub struct Testbed {
    // Dropped in this order: the processes that write to the folder end before it is removed.
    server: Server,
    /// The first is the one that the server's URL leads to. The others are the workers of Citus.
    nodes: Vec<Node>,
    folder: TempDir,
    to_server: Proxy,
    /// To the pooler; without one, to Postgres.
    to_database: Proxy,
    pooler: Option<(Pooler, Proxy)>,
    pub tenants: Vec<Tenant>,
    /// One for each project. There are none with Citus.
    pub subscribers: Vec<Subscriber>,
}

impl Testbed {
    pub async fn start(options: &Options) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("unibooks-chaos-")?;
        let nodes = start_nodes(folder.path(), options.citus).await?;
        let connect_options = nodes[0].connect_options()?;
        let postgres_url = nodes[0].running()?.url();
        let socket = connect_options
            .get_socket()
            .context("a Unix socket")?
            .join(format!(".s.PGSQL.{}", connect_options.get_port()));
        let mut migrate = command(&options.server, &postgres_url);
        migrate.arg("migrate").args(options.citus.then_some("--distributed"));
        let migrated = migrate.output()?;
        ensure!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
        let (program, mut tenants, mut subscribers) = (&options.server, Vec::new(), Vec::new());
        for (project, connections) in (0..).zip(CONNECTIONS) {
            let id = create_project(program, &postgres_url)?;
            for _ in 0..connections {
                tenants.push(Tenant::create(program, &postgres_url, &id)?);
            }
            // Citus refuses the statement that gives positions to events.
            if !options.citus {
                let seed = options.seed.wrapping_add(project);
                subscribers.push(Subscriber::create(program, &postgres_url, &id, seed).await?);
            }
        }

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

        let mut serve = command(program, &url);
        serve.env("UNIBOOKS_DATABASE_POOLING", pooling);
        let server = Server::start(serve, free_address()?, folder.path().join("server.log"))?;
        let to_server = Proxy::start(Target::Tcp(server.address)).await?;
        let mut testbed = Self { server, nodes, folder, to_server, to_database, pooler, tenants, subscribers };
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
        self.nodes[0].connect_options()
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
        let node = usize::try_from(fault.mask % 1_000)? % self.nodes.len();
        match fault.kind {
            Kind::KillServer => {
                self.server.kill()?;
                sleep(fault.downtime).await;
                // The database may still recover.
                let_time_pass(&self.database()?).await.ok();
                self.server.restart()?;
            }
            Kind::KillPostgres => {
                self.nodes[node].kill().await?;
                sleep(fault.downtime).await;
                self.nodes[node].restart().await?;
            }
            Kind::KillBoth => {
                self.nodes[node].kill().await?;
                self.server.kill()?;
                sleep(fault.downtime).await;
                self.nodes[node].restart().await?;
                let_time_pass(&self.database()?).await.ok();
                self.server.restart()?;
            }
            Kind::KillBackend => {
                let processes = self.nodes[node].processes();
                let target = usize::try_from(fault.mask / 1_000 % 1_000)? % processes.len().max(1);
                processes.get(target).inspect(|&&pid| signal(pid, Signal::KILL));
            }
            Kind::StopServer => {
                self.server.stop().await?;
                sleep(fault.downtime).await;
                self.server.restart()?;
            }
            Kind::StopPostgres => {
                self.nodes[node].stop().await?;
                sleep(fault.downtime).await;
                self.nodes[node].restart().await?;
            }
            Kind::KillReceiver => {
                let target = usize::try_from(fault.mask % 1_000)? % self.subscribers.len().max(1);
                if let Some(Subscriber { receiver, .. }) = self.subscribers.get_mut(target) {
                    receiver.kill().await;
                    sleep(fault.downtime).await;
                    receiver.revive().await?;
                }
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

    /// Whether the receivers of webhooks make trouble from now on.
    pub fn make_trouble(&self, does: bool) {
        for subscriber in &self.subscribers {
            subscriber.receiver.make_trouble(does);
        }
    }

    /// Ends all trouble: every process is ready, and everything that waits for its time is due.
    pub async fn calm(&mut self) -> anyhow::Result<()> {
        self.make_trouble(false);
        self.wait_until_ready().await?;
        if self.subscribers.is_empty() {
            return Ok(());
        }
        self.server.stop().await?;
        let_time_pass(&self.database()?).await?;
        self.server.restart()?;
        self.wait_until_ready().await
    }

    /// Starts again a process that has ended by itself, as a service manager does.
    async fn supervise(&mut self) -> anyhow::Result<()> {
        for node in &mut self.nodes {
            node.supervise().await?;
        }
        self.server.supervise()
    }

    /// Waits until the server and every node are ready again.
    pub async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        let ready = format!("{}/readyz", self.base_url());
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(8)).build()?;
        while !client.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
            ensure!(started.elapsed() < RECOVERY_LIMIT, "the server did not recover");
            sleep(Duration::from_millis(10)).await;
            self.supervise().await?;
        }
        for node in &self.nodes {
            while !node.is_ready().await {
                ensure!(started.elapsed() < RECOVERY_LIMIT, "a node did not recover");
                sleep(Duration::from_millis(10)).await;
            }
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
        for node in &mut self.nodes {
            node.stop().await.ok();
        }
    }
}

/// Starts Postgres, or a coordinator and workers of Citus.
async fn start_nodes(folder: &Path, with_citus: bool) -> anyhow::Result<Vec<Node>> {
    if !with_citus {
        return Ok(vec![Node::start(folder.join("data"), &[]).await?]);
    }
    let mut nodes = vec![Node::start(folder.join("data"), &CITUS_SETTINGS).await?];
    for number in 1..=WORKERS {
        nodes.push(Node::start(folder.join(format!("worker-{number}")), &CITUS_SETTINGS).await?);
    }
    connect_nodes(&nodes.iter().map(Node::connect_options).collect::<Result<Vec<_>, _>>()?).await;
    Ok(nodes)
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
