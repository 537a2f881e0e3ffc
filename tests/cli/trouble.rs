//! `unibooks serve` with a failing database: it stays up, answers 503 with `Retry-After`, loses nothing, and recovers
//! without a restart.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use unibooks::db::private::{Options, PrivatePostgres};

use crate::process::{Server, new_credentials};
use crate::support::signal::signal;
use crate::support::wait::until;

/// Several private Postgres in one folder, and a URL that can be pointed to any of them.
pub struct Databases {
    pub folder: TempDir,
}

impl Databases {
    pub fn new() -> Self {
        let folder = TempDir::with_prefix("unibooks-trouble-").expect("a folder");
        // If root runs the tests, Postgres' user needs access through this folder.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).expect("mode");
        Self { folder }
    }

    pub fn data_dir(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub async fn start(&self, name: &str, settings: &[(&str, &str)]) -> PrivatePostgres {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let options = Options { data_dir: self.data_dir(name), binaries: None, settings };
        PrivatePostgres::start(options).await.expect("Postgres starts")
    }

    /// Points [`Self::url`] to the Postgres of this name.
    pub fn point_to(&self, name: &str) {
        let link = self.folder.path().join("db");
        fs::remove_file(&link).ok();
        symlink(self.data_dir(name).join("socket"), link).expect("a link");
    }

    pub fn url(&self) -> String {
        let host = self.folder.path().join("db").display().to_string().replace('/', "%2F");
        format!("postgres://unibooks@{host}:5432/unibooks")
    }

    fn serve(&self) -> Server {
        Server::serve_with(&self.url(), &[("UNIBOOKS_DATABASE_TIMEOUT", "1")])
    }
}

/// A client that creates payments.
#[derive(Clone)]
pub struct Caller {
    client: reqwest::Client,
    base: String,
    key: String,
    token: String,
}

impl Caller {
    /// Makes the credentials directly in the database at `url`.
    fn new(server: &Server, url: &str) -> Self {
        Self::with(server, new_credentials(url))
    }

    pub fn with(server: &Server, [_, key, _, token]: [String; 4]) -> Self {
        Self { client: reqwest::Client::new(), base: server.base.clone(), key, token }
    }

    /// Creates a payment with a key. Returns 201, or 503 after a check of its headers.
    pub async fn create(&self, idempotency_key: &str) -> u16 {
        let request =
            self.client.post(format!("{}/accounting/payments", self.base)).json(&json!({ "total_amount": 1 }));
        let request = request.header("x-api-key", &self.key).header("x-connection-token", &self.token);
        let answer = request.header("idempotency-key", idempotency_key).send().await.expect("an answer");
        if answer.status() != 201 {
            assert_eq!(answer.status(), 503, "{:?}", answer.text().await);
            assert!(answer.headers().contains_key("retry-after"));
            return 503;
        }
        201
    }

    /// A page of the list.
    pub async fn list(&self, query: &str) -> Value {
        let request = self.client.get(format!("{}/accounting/payments?{query}", self.base));
        let request = request.header("x-api-key", &self.key).header("x-connection-token", &self.token);
        request.send().await.expect("an answer").json().await.expect("JSON")
    }

    pub async fn until_created(&self, idempotency_key: &str) {
        until("a payment is created", async || self.create(idempotency_key).await == 201).await;
    }
}

pub async fn status(server: &Server, path: &str) -> u16 {
    reqwest::get(format!("{}{path}", server.base)).await.expect("an answer").status().as_u16()
}

pub async fn until_ready(server: &Server) {
    until("the server is ready", async || status(server, "/readyz").await == 200).await;
}

pub async fn execute(postgres: &PrivatePostgres, statement: &'static str) {
    let mut connection = PgConnection::connect_with(&postgres.connect_options()).await.expect("a connection");
    sqlx::raw_sql(statement).execute(&mut connection).await.expect(statement);
}

pub async fn payments(postgres: &PrivatePostgres) -> i64 {
    let mut connection = PgConnection::connect_with(&postgres.connect_options()).await.expect("a connection");
    sqlx::query_scalar("select count(*) from payment").fetch_one(&mut connection).await.expect("a count")
}

#[tokio::test]
async fn server_started_before_its_database_waits_for_it() {
    let databases = Databases::new();
    databases.point_to("primary");
    let mut server = databases.serve();
    assert!(server.log.iter().any(|line| line.contains("the database is away")), "{:?}", server.log);
    assert_eq!((status(&server, "/livez").await, status(&server, "/readyz").await), (200, 503));
    let unknown = Caller {
        client: reqwest::Client::new(),
        base: server.base.clone(),
        key: "ub_key_3SnR2GEOoPd9KTTzvEcYS0DmMnfe22Zs23y1uZ".to_owned(),
        token: "ub_conn_bMwvVohreKpLFs0kgRO6gEaX1XRPTKQX0aUdYH".to_owned(),
    };
    assert_eq!(unknown.create("early").await, 503);

    let postgres = databases.start("primary", &[]).await;
    server.wait_for_log("the database is back");
    until_ready(&server).await;
    Caller::new(&server, &databases.url()).until_created("first").await;
    assert_eq!(payments(&postgres).await, 1);
    server.stop();
}

#[tokio::test]
async fn server_survives_a_hanging_or_full_database() {
    let databases = Databases::new();
    let postgres =
        databases.start("primary", &[("max_connections", "20"), ("superuser_reserved_connections", "0")]).await;
    databases.point_to("primary");
    let server = databases.serve();
    let caller = Caller::new(&server, &databases.url());
    caller.until_created("before").await;

    // Postgres accepts sessions and statements but never answers, as on a machine that swaps or a broken network.
    let pid_file = fs::read_to_string(databases.data_dir("primary/postgres/postmaster.pid")).expect("a pid file");
    let mut connection = PgConnection::connect_with(&postgres.connect_options()).await.expect("a connection");
    let processes: String = sqlx::query_scalar("select string_agg(pid::text, ' ') from pg_stat_activity")
        .fetch_one(&mut connection)
        .await
        .expect("pids");
    let processes = format!("{} {processes}", pid_file.lines().next().expect("a pid"));
    signal("STOP", &processes);
    assert_eq!(caller.create("hanging").await, 503);
    assert_eq!(status(&server, "/readyz").await, 503);
    signal("CONT", &processes);
    caller.until_created("hanging").await;

    let mut others = Vec::new();
    while let Ok(other) = PgConnection::connect_with(&postgres.connect_options()).await {
        others.push(other);
    }
    // Ends the server's sessions and takes their places, so that it cannot open new ones.
    let statement = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'unibooks'";
    sqlx::raw_sql(statement).execute(&mut others[0]).await.expect("ended");
    while let Ok(other) = PgConnection::connect_with(&postgres.connect_options()).await {
        others.push(other);
    }
    assert_eq!(caller.create("crowded").await, 503);
    drop(others);
    caller.until_created("crowded").await;
    until_ready(&server).await;
    assert_eq!(payments(&postgres).await, 3);
    server.stop();
}

/// A small disk in memory, unmounted on drop.
struct Disk(PathBuf);

impl Disk {
    fn mount(folder: PathBuf) -> Self {
        fs::create_dir(&folder).expect("a folder");
        let options = ["-t", "tmpfs", "-o", "size=120m,mode=711", "tmpfs"];
        let mounted = Command::new("mount").args(options).arg(&folder).status().expect("mount");
        assert!(mounted.success(), "only root may mount");
        Self(folder)
    }

    /// Fills the disk.
    fn fill(&self) {
        let mut file = File::create(self.0.join("filler")).expect("a file");
        while file.write_all(&[1; 4_096]).is_ok() {}
    }

    fn free(&self) {
        fs::remove_file(self.0.join("filler")).expect("removed");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(&self.0).status().ok();
    }
}

#[tokio::test]
#[ignore = "mounts a disk: run make test-trouble as root"]
async fn full_disk_loses_nothing() {
    let databases = Databases::new();
    let disk = Disk::mount(databases.data_dir("primary"));
    let small = [("max_wal_size", "32MB"), ("min_wal_size", "32MB")];
    let postgres = databases.start("primary", &small).await;
    databases.point_to("primary");
    let server = databases.serve();
    let caller = Caller::new(&server, &databases.url());

    caller.until_created("key-0").await;
    let mut stored = 1;

    disk.fill();
    // Postgres still has some room within its files.
    while caller.create(&format!("key-{stored}")).await == 201 {
        stored += 1;
    }
    for _again in 0..10 {
        assert_eq!(caller.create(&format!("key-{stored}")).await, 503);
    }
    assert_eq!(status(&server, "/livez").await, 200);
    disk.free();
    caller.until_created(&format!("key-{stored}")).await;
    stored += 1;
    assert_eq!(payments(&postgres).await, stored);

    // Without room for its write-ahead log, Postgres stops.
    disk.fill();
    let mut connection = PgConnection::connect_with(&postgres.connect_options()).await.expect("a connection");
    sqlx::raw_sql("select pg_switch_wal(); checkpoint").execute(&mut connection).await.expect_err("a crash");
    assert_eq!(caller.create("late").await, 503);
    postgres.stop().await.expect("stopped");
    disk.free();
    let postgres = databases.start("primary", &small).await;
    caller.until_created("late").await;
    until_ready(&server).await;
    for number in 0..stored {
        assert_eq!(caller.create(&format!("key-{number}")).await, 201, "a repetition");
    }
    assert_eq!(payments(&postgres).await, stored + 1);
    server.stop();
    postgres.stop().await.expect("stopped");
}

/// Makes a standby as a copy of the primary.
fn make_standby(databases: &Databases, primary: &Path, standby: &Path) {
    let output = Command::new("sh")
        .args([concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/ensure-postgres.sh"), "--bindir"])
        .output()
        .expect("a shell");
    let bin = String::from_utf8(output.stdout).expect("a path");
    fs::create_dir(standby).expect("a folder");
    let script = format!(
        "'{bin}/pg_basebackup' -h '{host}' -p 5432 -U unibooks -D '{to}' -R -X stream -c fast && chmod 700 '{to}' && \
         chown -R --reference='{from}' '{to}'",
        bin = bin.trim(),
        host = primary.join("socket").display(),
        from = primary.join("postgres").display(),
        to = standby.join("postgres").display(),
    );
    let made = Command::new("sh").args(["-c", &script]).current_dir(databases.folder.path()).output().expect("a shell");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[tokio::test]
async fn failover_to_a_standby_loses_nothing() {
    let databases = Databases::new();
    let primary = databases.start("primary", &[]).await;
    databases.point_to("primary");
    let server = databases.serve();
    let caller = Caller::new(&server, &databases.url());
    make_standby(&databases, &databases.data_dir("primary"), &databases.data_dir("standby"));
    let standby = databases.start("standby", &[]).await;
    for number in 0..20 {
        caller.until_created(&format!("before-{number}")).await;
    }
    // A fast shutdown sends all commits to the standby.
    primary.stop().await.expect("stopped");
    assert_eq!(caller.create("between").await, 503);

    databases.point_to("standby");
    until("the server has found the standby", async || {
        status(&server, "/readyz").await == 503 && caller.create("between").await == 503
    })
    .await;
    execute(&standby, "select pg_promote()").await;
    caller.until_created("between").await;
    until_ready(&server).await;
    for number in 0..20 {
        assert_eq!(caller.create(&format!("before-{number}")).await, 201, "a repetition");
    }
    assert_eq!(payments(&standby).await, 21);
    server.stop();
}

#[tokio::test]
async fn server_started_on_a_standby_waits_for_its_promotion() {
    let databases = Databases::new();
    let primary = databases.start("primary", &[]).await;
    make_standby(&databases, &databases.data_dir("primary"), &databases.data_dir("standby"));
    let standby = databases.start("standby", &[]).await;
    primary.stop().await.expect("stopped");
    databases.point_to("standby");
    let mut server = databases.serve();
    let away = server.log.iter().find(|line| line.contains("the database is away")).expect("a warning");
    assert!(away.contains("it is read-only: a standby?"), "{away}");
    assert_eq!(status(&server, "/readyz").await, 503);
    execute(&standby, "select pg_promote()").await;
    server.wait_for_log("the database is back");
    until_ready(&server).await;
    server.stop();
}
