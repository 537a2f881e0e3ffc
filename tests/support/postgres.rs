//! A private Postgres for this test binary, and a fresh migrated database for each test.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use tokio::sync::{Mutex, OnceCell};
use unibooks::db::private::{Options, PrivatePostgres};
use unibooks::db::{Database, DatabaseOptions, PoolerMode, migrate};

const TEMPLATE: &str = "migrated";

static POSTGRES: OnceCell<PrivatePostgres> = OnceCell::const_new();
/// Held while a template is copied: Postgres allows one copy at a time.
static COPYING: Mutex<()> = Mutex::const_new(());
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A folder outside the checkout, because Postgres' user may have no access there. It is the same in each run, so that
/// old data does not pile up.
fn folder() -> PathBuf {
    let mut hasher = DefaultHasher::new();
    env!("CARGO_MANIFEST_DIR").hash(&mut hasher);
    let binary = std::env::current_exe().expect("the test's own path");
    let name = binary.file_stem().expect("a name").to_string_lossy().into_owned();
    let name = name.rsplit_once('-').map_or(name.clone(), |(name, _hash)| name.to_owned());
    std::env::temp_dir().join(format!("unibooks-tests-{:08x}-{name}", hasher.finish() & 0xffff_ffff))
}

async fn postgres() -> &'static PrivatePostgres {
    POSTGRES.get_or_init(start).await
}

async fn start() -> PrivatePostgres {
    // The data does not outlive the run, so durability would only cost time.
    let fast =
        [("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off"), ("max_connections", "300")];
    let settings = fast.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let data_dir = folder();
    remove_data_of_the_last_run(&data_dir);
    let postgres = PrivatePostgres::start(Options { data_dir, binaries: None, settings })
        .await
        .expect("tests need Postgres server binaries; `make test` installs them");
    let mut admin = postgres.connect_options().connect().await.expect("a session");
    execute(&mut admin, format!("create database {TEMPLATE}")).await;
    let template = connect(postgres.connect_options().database(TEMPLATE)).await;
    migrate(&template).await.expect("migrations apply");
    template.close().await;
    postgres
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

async fn connect(options: PgConnectOptions) -> Database {
    let options = DatabaseOptions {
        connect: options,
        pool_size: 20,
        timeout: Duration::from_secs(20),
        pooling: PoolerMode::Session,
    };
    Database::connect(options).await.expect("a database")
}

/// How to connect to a new database: a copy of `template`, or an empty one.
async fn create(template: Option<&str>) -> PgConnectOptions {
    let postgres = postgres().await;
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let mut admin = postgres.connect_options().connect().await.expect("a session");
    let template = template.unwrap_or("template1");
    let copying = COPYING.lock().await;
    execute(&mut admin, format!("create database {name} template {template}")).await;
    drop(copying);
    admin.close().await.expect("closed");
    postgres.connect_options().database(&name)
}

/// How to connect to a new database with all migrations applied.
pub async fn migrated() -> PgConnectOptions {
    create(Some(TEMPLATE)).await
}

/// How to connect to a new database without any table.
pub async fn empty() -> PgConnectOptions {
    create(None).await
}

/// A pool on a new database with all migrations applied.
pub async fn database() -> Database {
    connect(migrated().await).await
}

/// A pool on the database at `options`.
pub async fn pool(options: PgConnectOptions) -> Database {
    connect(options).await
}

/// The URL of a database, for `DATABASE_URL`.
pub async fn url(options: &PgConnectOptions) -> String {
    let base = postgres().await.url();
    let (server, _) = base.rsplit_once('/').expect("an address with a database");
    format!("{server}/{}", options.get_database().expect("a database"))
}
