//! A real Tryton with books of its own, from the packages that `scripts/ensure-tryton.sh` installs.

mod books;
mod process;
mod session;

use std::path::PathBuf;

use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::sync::OnceCell;

use super::postgres;
use process::Process;
pub use session::Session;

/// The password of all users.
const PASSWORD: &str = "correct-Horse-9-battery";

static SHARED: OnceCell<Tryton> = OnceCell::const_new();

/// A Tryton on a copy of the seeded books. It ends with this value, or with the test binary.
pub struct Tryton {
    options: PgConnectOptions,
    process: Process,
}

impl Tryton {
    /// Starts a Tryton that a test has for itself, and waits until it answers.
    pub async fn start() -> Self {
        let options = postgres::copy_of(books::template().await).await;
        let process = Process::start(&options, 0).await;
        Self { options, process }
    }

    /// The Tryton that all tests of a binary share, because each takes 90 MB. A test makes invoices of its own.
    pub async fn shared() -> &'static Self {
        SHARED.get_or_init(Self::start).await
    }

    /// Its address, without a path.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.process.port)
    }

    /// The name of its database, which is the first part of each path.
    pub fn database(&self) -> &str {
        self.options.get_database().expect("a database")
    }

    /// The user that a connector signs in as.
    #[expect(clippy::unused_self, reason = "it is a fact of this Tryton")]
    pub fn login(&self) -> &'static str {
        "unified"
    }

    /// That user's password.
    #[expect(clippy::unused_self, reason = "it is a fact of this Tryton")]
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// Signs in as the bookkeeper, who looks at what others did.
    pub async fn bookkeeper(&self) -> Session {
        Session::sign_in(&self.url(), self.database(), "bookkeeper", PASSWORD).await
    }

    /// Runs a statement in its database, for what no user of it can do.
    pub async fn sql(&self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(&mut self.connect().await).await.expect(statement);
    }

    /// A session in its database, for what only a slow transaction of Tryton does.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect_with(&self.options).await.expect("a session")
    }

    /// Ends it with SIGKILL.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Ends it with SIGTERM.
    pub fn stop(&mut self) {
        self.process.stop();
    }

    /// Starts it again at the same address, after it was ended.
    pub async fn restart(&mut self) {
        self.process = Process::start(&self.options, self.process.port).await;
    }
}

/// A program of the Python environment.
fn python() -> PathBuf {
    let python = target().join("tryton-venv/bin/python");
    assert!(python.exists(), "{} is missing; `make test` installs it", python.display());
    python
}

/// A script of `tests/tryton/`.
fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/tryton").join(name)
}

/// The folder of everything that is built. The test binary is in `<target>/debug/deps/`.
fn target() -> PathBuf {
    let binary = std::env::current_exe().expect("the test's own path");
    binary.ancestors().nth(3).expect("a folder").to_owned()
}

/// Tryton's setting for the Postgres of its databases.
async fn database_uri(options: &PgConnectOptions) -> (&'static str, String) {
    let url = postgres::url(options).await;
    let (server, _database) = url.rsplit_once('/').expect("an address with a database");
    ("TRYTOND_DATABASE__URI", format!("{}/", server.replacen("postgres://", "postgresql://", 1)))
}
