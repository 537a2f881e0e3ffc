//! The Postgres of the tests: one, or the nodes of Citus.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::fs::File;
use std::path::Path;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use unibooks::db::private::{Options, PrivatePostgres};

/// Set by `make test-citus`.
const CITUS: &str = "UNIBOOKS_TEST_CITUS";
/// What Citus needs of each node. A shard moves by logical replication.
pub const CITUS_SETTINGS: [(&str, &str); 5] = [
    ("shared_preload_libraries", "citus"),
    // Citus runs one in each database.
    ("max_worker_processes", "1000"),
    ("wal_level", "logical"),
    ("max_prepared_transactions", "300"),
    ("citus.node_conninfo", "sslmode=prefer"),
];
/// How many workers there are beside the coordinator.
pub const WORKERS: u32 = 2;

/// A running Postgres, with its workers if it is distributed.
pub struct Cluster {
    coordinator: PrivatePostgres,
    workers: Vec<PrivatePostgres>,
}

impl Cluster {
    /// Starts it in a folder, which is emptied first. `settings` are those of each Postgres, and `of_citus` further ones
    /// where there is Citus.
    pub async fn start(folder: &Path, settings: &[(&str, &str)], of_citus: &[(&str, &str)]) -> Self {
        if std::env::var_os(CITUS).is_none() {
            return Self { coordinator: start(folder, settings).await, workers: Vec::new() };
        }
        let settings = [settings, &CITUS_SETTINGS, of_citus].concat();
        let coordinator = start(folder, &settings).await;
        let mut workers = Vec::new();
        for number in 1..=WORKERS {
            workers.push(start(&folder.with_extension(format!("worker-{number}")), &settings).await);
        }
        Self { coordinator, workers }
    }

    /// Whether its databases can be distributed.
    pub fn is_distributed(&self) -> bool {
        !self.workers.is_empty()
    }

    /// How to connect to the coordinator, or to the only Postgres.
    pub fn connect_options(&self) -> PgConnectOptions {
        self.coordinator.connect_options()
    }

    /// The URL of the coordinator, or of the only Postgres.
    pub fn url(&self) -> String {
        self.coordinator.url()
    }

    /// Creates a database on every node: a copy of `template`, or an empty one with its nodes.
    pub async fn create_database(&self, name: &str, template: Option<&str>) {
        for node in self.nodes() {
            let mut admin = node.connect_options().connect().await.expect("a session");
            let from = template.unwrap_or("template1");
            if self.is_distributed() && template.is_some() {
                // The maintenance daemon of Citus is connected to each database.
                execute(&mut admin, format!("alter database {from} allow_connections false")).await;
                let end = "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = ";
                execute(&mut admin, format!("{end}'{from}'")).await;
            }
            execute(&mut admin, format!("create database {name} template {from}")).await;
            admin.close().await.expect("closed");
        }
        if self.is_distributed() && template.is_none() {
            connect_nodes(&self.nodes().map(|node| node.connect_options().database(name)).collect::<Vec<_>>()).await;
        }
    }

    fn nodes(&self) -> impl Iterator<Item = &PrivatePostgres> {
        std::iter::once(&self.coordinator).chain(&self.workers)
    }
}

/// Makes the databases of the nodes one database of Citus. The first is that of the coordinator.
pub async fn connect_nodes(nodes: &[PgConnectOptions]) {
    for node in nodes {
        let mut session = node.connect().await.expect("a session");
        execute(&mut session, "create extension citus".to_owned()).await;
    }
    let address =
        |node: &PgConnectOptions| format!("'{}', {}", node.get_socket().expect("a socket").display(), node.get_port());
    let [coordinator, workers @ ..] = nodes else { panic!("there is no coordinator") };
    let mut session = coordinator.connect().await.expect("a session");
    execute(&mut session, format!("select citus_set_coordinator_host({})", address(coordinator))).await;
    for worker in workers {
        execute(&mut session, format!("select citus_add_node({})", address(worker))).await;
    }
}

async fn start(folder: &Path, settings: &[(&str, &str)]) -> PrivatePostgres {
    remove_data_of_the_last_run(folder);
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    PrivatePostgres::start(Options { data_dir: folder.to_owned(), binaries: None, settings })
        .await
        .expect("tests need Postgres server binaries; `make test` installs them")
}

/// Removes the cluster of the last run. A new cluster takes a second to create; dropping each old database would take a
/// checkpoint.
fn remove_data_of_the_last_run(data_dir: &Path) {
    let Ok(lock) = File::open(data_dir.join("lock")) else { return };
    // If another run still uses the folder, the start fails and says so.
    if lock.try_lock().is_ok() {
        std::fs::remove_dir_all(data_dir.join("postgres")).ok();
    }
}

async fn execute(session: &mut PgConnection, statement: String) {
    sqlx::query(AssertSqlSafe(statement.clone())).execute(session).await.expect(&statement);
}
