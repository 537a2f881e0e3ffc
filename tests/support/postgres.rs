//! A private Postgres for this test binary, and a fresh migrated database for each test. In `make test-citus` it is a
//! coordinator and two workers, and each database is distributed.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tokio::sync::{Mutex, OnceCell};
use unibooks::db::{Database, DatabaseOptions, PoolerMode, distribute, migrate, prepare};
use unibooks::domain::Clock;

use super::cluster::Cluster;

const TEMPLATE: &str = "migrated";

static POSTGRES: OnceCell<Cluster> = OnceCell::const_new();
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

async fn postgres() -> &'static Cluster {
    POSTGRES.get_or_init(start).await
}

async fn start() -> Cluster {
    // The data does not outlive the run, so durability would only cost time.
    let fast =
        [("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off"), ("max_connections", "300")];
    // There is a database for each test, and Citus looks after each of them: the sessions of that would be too many.
    let quiet = [("citus.distributed_deadlock_detection_factor", "-1"), ("citus.recover_2pc_interval", "-1")];
    let cluster = Cluster::start(&folder(), &fast, &quiet).await;
    cluster.create_database(TEMPLATE, None).await;
    let template = connect(cluster.connect_options().database(TEMPLATE)).await;
    migrate(&template).await.expect("migrations apply");
    if cluster.is_distributed() {
        distribute(&template).await.expect("tables are distributed");
    }
    template.close().await;
    cluster
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
    let cluster = postgres().await;
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let copying = COPYING.lock().await;
    cluster.create_database(&name, template).await;
    drop(copying);
    cluster.connect_options().database(&name)
}

/// How to connect to a new database with all migrations applied.
pub async fn migrated() -> PgConnectOptions {
    create(Some(TEMPLATE)).await
}

/// How to connect to a copy of a database of this Postgres, to which nobody may be connected.
pub async fn copy_of(database: &str) -> PgConnectOptions {
    create(Some(database)).await
}

/// How to connect to a new database without any table.
pub async fn empty() -> PgConnectOptions {
    create(None).await
}

/// A pool on a new database with all migrations applied.
pub async fn database() -> Database {
    pool(migrated().await).await
}

/// A pool on the database at `options`.
pub async fn pool(options: PgConnectOptions) -> Database {
    let database = connect(options).await;
    if postgres().await.is_distributed() {
        prepare(&database, &Clock::system()).await.expect("prepared");
    }
    database
}

/// The URL of a database, for `DATABASE_URL`.
pub async fn url(options: &PgConnectOptions) -> String {
    let base = postgres().await.url();
    let (server, _) = base.rsplit_once('/').expect("an address with a database");
    format!("{server}/{}", options.get_database().expect("a database"))
}
