//! The seeded books: made once by `tests/tryton/prepare.py`, kept in `target/` as a dump, and loaded into a database
//! that each Tryton copies.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command as BlockingCommand;

use chrono::Datelike;
use sqlx::postgres::PgConnectOptions;
use tokio::process::Command;
use tokio::sync::OnceCell;
use unibooks::domain::Clock;

use super::{PASSWORD, database_uri, python, script, target};
use crate::support::postgres;

/// Everything that decides what is in the books.
const SOURCES: [&str; 5] = [
    include_str!("../../tryton/requirements.txt"),
    include_str!("../../tryton/prepare.py"),
    include_str!("../../tryton/company.py"),
    include_str!("../../tryton/people.py"),
    include_str!("../../tryton/invoices.py"),
];
/// How the name of a dump begins.
const DUMP: &str = "tryton-books-";

static TEMPLATE: OnceCell<PgConnectOptions> = OnceCell::const_new();

/// The database with the books, to which nobody is connected.
pub async fn template() -> &'static str {
    TEMPLATE.get_or_init(create).await.get_database().expect("a database")
}

async fn create() -> PgConnectOptions {
    let options = postgres::empty().await;
    let url = postgres::url(&options).await;
    // They have fiscal years around today's.
    let year = Clock::system().now().year();
    let dump = target().join(format!("{DUMP}{:016x}.dump", key(year)));
    if dump.exists() {
        run(Command::new(postgres_program("pg_restore")).args(["--dbname", &url]).arg(&dump)).await;
        return options;
    }
    let mut prepare = Command::new(python());
    prepare.arg(script("prepare.py")).args([options.get_database().expect("a database"), PASSWORD, &year.to_string()]);
    run(prepare.env_clear().envs([database_uri(&options).await, ("PYTHONDONTWRITEBYTECODE", "1".to_owned())])).await;
    keep(&url, &dump).await;
    options
}

/// Writes the dump under another name first, so that one of that name is complete. Removes older ones.
async fn keep(url: &str, dump: &Path) {
    let folder = dump.parent().expect("a folder");
    let unfinished = folder.join(format!("tryton-{}.unfinished", std::process::id()));
    let pg_dump = postgres_program("pg_dump");
    run(Command::new(pg_dump).args(["--format", "custom", "--dbname", url, "--file"]).arg(&unfinished)).await;
    for file in fs::read_dir(folder).expect("a folder").flatten() {
        if file.file_name().to_string_lossy().starts_with(DUMP) {
            fs::remove_file(file.path()).ok();
        }
    }
    fs::rename(unfinished, dump).expect("renamed");
}

fn key(year: i32) -> u64 {
    let mut hasher = DefaultHasher::new();
    (SOURCES, PASSWORD, year).hash(&mut hasher);
    hasher.finish()
}

/// A program of the Postgres that the tests run.
fn postgres_program(name: &str) -> PathBuf {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/ensure-postgres.sh");
    let output = BlockingCommand::new(script).arg("--bindir").output().expect("a folder");
    PathBuf::from(String::from_utf8(output.stdout).expect("UTF-8").trim()).join(name)
}

async fn run(command: &mut Command) {
    let output = command.kill_on_drop(true).output().await.expect("a process");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
