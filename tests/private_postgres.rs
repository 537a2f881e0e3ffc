//! A real private Postgres, as root and as an ordinary user, through crashes and restarts.

#[path = "private_postgres/other_users.rs"]
mod other_users;
#[path = "support/signal.rs"]
mod signal;

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use unibooks::db::private::{Options, PrivatePostgres, PrivatePostgresError};

use signal::signal;

/// The environment variable that names the folder of [`victim`].
const VICTIM_FOLDER: &str = "UNIBOOKS_TEST_VICTIM_FOLDER";
/// The file that the victim writes when its row is committed.
const VICTIM_READY: &str = "victim-ready";

/// A folder that the user of Postgres can pass through when root runs the tests.
fn temporary_folder() -> TempDir {
    let folder = tempfile::tempdir().expect("temporary folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).expect("mode");
    folder
}

fn options(data_dir: &Path) -> Options {
    Options { data_dir: data_dir.to_owned(), binaries: None, settings: Vec::new() }
}

async fn start(data_dir: &Path) -> PrivatePostgres {
    PrivatePostgres::start(options(data_dir)).await.expect("Postgres starts")
}

async fn connect(postgres: &PrivatePostgres) -> PgConnection {
    PgConnection::connect_with(&postgres.connect_options()).await.expect("connection")
}

async fn write_a_row(postgres: &PrivatePostgres) {
    let mut connection = connect(postgres).await;
    sqlx::raw_sql("create table kept (line text); insert into kept values ('here')")
        .execute(&mut connection)
        .await
        .expect("row");
}

async fn read_the_row(postgres: &PrivatePostgres) -> String {
    let mut connection = connect(postgres).await;
    sqlx::query_scalar("select line from kept").fetch_one(&mut connection).await.expect("row")
}

async fn setting(postgres: &PrivatePostgres, name: &str) -> String {
    let mut connection = connect(postgres).await;
    sqlx::query_scalar("select current_setting($1)").bind(name).fetch_one(&mut connection).await.expect("setting")
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(30), "waited in vain until {what}");
        sleep(Duration::from_millis(5));
    }
}

/// The command lines of all running processes that contain a path.
fn processes_that_name(path: &Path) -> Vec<String> {
    let path = path.to_str().expect("plain path");
    let lines: Vec<String> = if Path::new("/proc/self/cmdline").exists() {
        let entries = fs::read_dir("/proc").expect("/proc").flatten();
        let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
        lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
    } else {
        let output = Command::new("ps").args(["axo", "command="]).output().expect("ps");
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    };
    lines.into_iter().filter(|line| line.contains(path)).collect()
}

/// The folders in which `initdb` has not finished.
fn unfinished_clusters(data_dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(data_dir).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.to_string_lossy().contains("postgres.new-")).collect()
}

/// Starts this test program as a further process that runs [`victim`] on a folder.
fn spawn_victim(data_dir: &Path) -> Child {
    Command::new(env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "victim"])
        .env(VICTIM_FOLDER, data_dir)
        .stdout(Stdio::null())
        .spawn()
        .expect("victim")
}

fn kill(mut victim: Child) {
    victim.kill().expect("kill -9");
    victim.wait().expect("end of the victim");
}

#[tokio::test]
#[ignore = "not a test: a process that other tests start and kill"]
async fn victim() {
    let Some(data_dir) = env::var_os(VICTIM_FOLDER).map(PathBuf::from) else { return };
    let postgres = start(&data_dir).await;
    write_a_row(&postgres).await;
    fs::write(data_dir.join(VICTIM_READY), "").expect("file");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn data_survives_a_restart_and_nothing_keeps_running() {
    let folder = temporary_folder();
    // It does not exist yet, and its name has what a URL, a shell or a list of Postgres must quote.
    let data_dir = folder.path().join("My \"data\", 100% 'ours'");
    let postgres = start(&data_dir).await;
    write_a_row(&postgres).await;
    postgres.stop().await.expect("stop");
    assert_eq!(processes_that_name(folder.path()), Vec::<String>::new());

    let postgres = start(&data_dir).await;
    assert_eq!(read_the_row(&postgres).await, "here");
    let mut by_url = PgConnection::connect(&postgres.url()).await.expect("connection by URL");
    let names: (String, String) = sqlx::query_as("select current_user::text, current_database()::text")
        .fetch_one(&mut by_url)
        .await
        .expect("names");
    assert_eq!(names, ("unibooks".to_owned(), "unibooks".to_owned()));
    postgres.stop().await.expect("stop");
}

#[tokio::test]
async fn only_the_owner_connects_and_commits_are_durable() {
    let folder = temporary_folder();
    let data_dir = folder.path().join("data");
    let settings = vec![("max_connections".to_owned(), "37".to_owned())];
    let postgres = PrivatePostgres::start(Options { settings, ..options(&data_dir) }).await.expect("start");
    for (name, value) in [
        ("listen_addresses", ""),
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("lc_collate", "C"),
        ("max_connections", "37"),
    ] {
        if name == "lc_collate" {
            // Postgres 16 has removed this setting.
            let mut connection = connect(&postgres).await;
            let query = "select datcollate::text from pg_database where datname = 'unibooks'";
            let found: String = sqlx::query_scalar(query).fetch_one(&mut connection).await.expect("collation");
            assert_eq!(found, value);
        } else {
            assert_eq!(setting(&postgres, name).await, value, "{name}");
        }
    }
    for private in ["postgres", "socket"] {
        let mode = fs::metadata(data_dir.join(private)).expect("folder").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{private} is for its owner only");
    }
    postgres.stop().await.expect("stop");
}

#[tokio::test]
async fn second_start_on_a_folder_is_refused_until_the_first_ends() {
    let folder = temporary_folder();
    let first = start(folder.path()).await;
    let second = PrivatePostgres::start(options(folder.path())).await;
    let error = second.expect_err("the folder is in use");
    assert!(matches!(error, PrivatePostgresError::InUse(_)), "{error:?}");
    let real = folder.path().canonicalize().expect("real path");
    let sentence = format!(
        "another unibooks uses the folder {}. Stop it, or choose another folder with UNIBOOKS_DATA_DIR.",
        real.display()
    );
    assert_eq!(error.to_string(), sentence);
    connect(&first).await.ping().await.expect("the first is not disturbed");

    // Dropped, not stopped: the next start waits for the processes that still run.
    drop(first);
    start(folder.path()).await.stop().await.expect("stop");
}

#[tokio::test]
async fn data_folder_with_a_long_path_works() {
    let folder = temporary_folder();
    let data_dir = folder.path().join("long".repeat(40));
    let postgres = start(&data_dir).await;
    write_a_row(&postgres).await;
    let socket = setting(&postgres, "unix_socket_directories").await;
    let socket = PathBuf::from(socket.trim_matches('"'));
    assert!(!socket.starts_with(&data_dir), "{}", socket.display());
    let mode = fs::metadata(&socket).expect("folder of the socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    PgConnection::connect(&postgres.url()).await.expect("connection by URL");
    postgres.stop().await.expect("stop");
    assert!(!socket.exists(), "the short folder is tidied away");
}

#[tokio::test]
async fn start_after_a_killed_initdb_succeeds() {
    let folder = temporary_folder();
    let data_dir = folder.path().join("data");
    let victim = spawn_victim(&data_dir);
    wait_until("initdb has written a part", || {
        unfinished_clusters(&data_dir).iter().any(|cluster| cluster.join("PG_VERSION").exists())
    });
    kill(victim);
    assert!(!data_dir.join("postgres").exists(), "killed before the cluster was whole");

    let postgres = start(&data_dir).await;
    assert_eq!(unfinished_clusters(&data_dir), Vec::<PathBuf>::new());
    write_a_row(&postgres).await;
    postgres.stop().await.expect("stop");
    wait_until("initdb of the killed process has ended", || processes_that_name(folder.path()).is_empty());
    assert_eq!(unfinished_clusters(&data_dir), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn missing_database_is_created_at_the_next_start() {
    let folder = temporary_folder();
    let postgres = start(folder.path()).await;
    let mut connection =
        PgConnection::connect_with(&postgres.connect_options().database("postgres")).await.expect("connection");
    sqlx::raw_sql("drop database unibooks with (force)").execute(&mut connection).await.expect("drop");
    postgres.stop().await.expect("stop");

    let postgres = start(folder.path()).await;
    connect(&postgres).await.ping().await.expect("the database is there");
    postgres.stop().await.expect("stop");
}

#[tokio::test]
async fn killed_owner_leaves_no_postgres_and_loses_nothing() {
    let folder = temporary_folder();
    let data_dir = folder.path().join("data");
    let victim = spawn_victim(&data_dir);
    wait_until("the victim has committed", || data_dir.join(VICTIM_READY).exists());
    assert!(!processes_that_name(&data_dir).is_empty(), "Postgres runs");
    kill(victim);
    wait_until("everything that the victim started has ended", || processes_that_name(&data_dir).is_empty());

    let postgres = start(&data_dir).await;
    assert_eq!(read_the_row(&postgres).await, "here");
    postgres.stop().await.expect("stop");
}

#[tokio::test]
async fn immediate_restart_after_a_kill_works() {
    let folder = temporary_folder();
    let data_dir = folder.path().join("data");
    let victim = spawn_victim(&data_dir);
    wait_until("the victim has committed", || data_dir.join(VICTIM_READY).exists());
    kill(victim);

    let postgres = start(&data_dir).await;
    assert_eq!(read_the_row(&postgres).await, "here");
    postgres.stop().await.expect("stop");
    assert_eq!(processes_that_name(&data_dir), Vec::<String>::new());
}

#[tokio::test]
async fn restart_waits_for_the_last_process_of_a_killed_postgres() {
    let folder = temporary_folder();
    let data_dir = folder.path().join("data");
    let postgres = start(&data_dir).await;
    write_a_row(&postgres).await;
    let mut connection = connect(&postgres).await;
    let backend: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut connection).await.expect("a pid");
    let postmaster = fs::read_to_string(data_dir.join("postgres/postmaster.pid")).expect("a pid file");
    let postmaster = postmaster.lines().next().expect("a pid");
    // Suspended, so that it cannot notice the end of the others.
    signal("STOP", &backend.to_string());
    signal("KILL", postmaster);
    drop(postgres);

    let log = data_dir.join("postgres.log");
    let waking = std::thread::spawn(move || {
        wait_until("the start finds the shared memory in use", || {
            fs::read_to_string(&log).is_ok_and(|log| log.contains("shared memory block"))
        });
        signal("CONT", &backend.to_string());
    });
    let postgres = start(&data_dir).await;
    waking.join().expect("woken");
    assert_eq!(read_the_row(&postgres).await, "here");
    postgres.stop().await.expect("stop");
}

#[tokio::test]
async fn data_of_another_version_is_refused_unchanged() {
    let folder = temporary_folder();
    let cluster = folder.path().join("postgres");
    fs::create_dir(&cluster).expect("folder");
    fs::write(cluster.join("PG_VERSION"), "9\n").expect("file");
    let error = PrivatePostgres::start(options(folder.path())).await.expect_err("no such version here");
    assert!(matches!(error, PrivatePostgresError::VersionMismatch { version: 9, .. }), "{error:?}");
    assert!(error.to_string().contains("UNIBOOKS_DATA_DIR"), "{error}");

    fs::remove_file(cluster.join("PG_VERSION")).expect("file");
    let error = PrivatePostgres::start(options(folder.path())).await.expect_err("not a cluster");
    assert!(matches!(error, PrivatePostgresError::NotACluster(_)), "{error:?}");
}

#[tokio::test]
async fn failed_start_shows_the_end_of_the_log() {
    let folder = temporary_folder();
    let settings = vec![("shared_buffers".to_owned(), "much".to_owned())];
    let started = PrivatePostgres::start(Options { settings, ..options(folder.path()) }).await;
    let error = started.expect_err("no such amount");
    assert!(error.to_string().contains("invalid value for parameter \"shared_buffers\""), "{error}");
}
