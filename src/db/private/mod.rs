//! A Postgres of one's own, for `unibooks dev` and for the tests: found on the machine, set up on first use, run as a
//! child on a Unix socket, ended with its owner.
//!
//! Inside the data folder: `lock` (held while in use), `postgres/` (the cluster), `socket/` and `postgres.log`. The
//! caller may keep other files beside them. Durability is Postgres' own: nothing of it is switched off.
//!
//! The pieces, in the order in which a start uses them: `user` (root may not run Postgres), `folder` (the data folder
//! and its lock), `binaries`, `socket`, `cluster` (`initdb`), `orphan` (what a killed owner left), `server` (run and
//! wait until ready); below them `supervised` (no child outlives its owner) and `log`.

mod binaries;
mod cluster;
mod error;
mod folder;
mod log;
mod orphan;
mod server;
mod socket;
mod supervised;
mod user;

use std::{fs::File, path::PathBuf, time::Duration};

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use self::{binaries::Binaries, log::Log, supervised::Supervised, user::RunAs};
pub use self::{error::PrivatePostgresError, folder::default_data_dir};
use crate::ownership::current_uid;

/// Superuser and database have the name of the program.
const NAME: &str = "unibooks";
/// The port is only a part of the socket's file name; fixed, so that `PGPORT` does not matter.
const PORT: u16 = 5432;
/// A fast shutdown writes what is in memory; on a slow disk that may take a while.
const STOP_LIMIT: Duration = Duration::from_mins(1);

/// What [`PrivatePostgres::start`] needs to know.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder that keeps the data; made when it does not exist. See [`default_data_dir`].
    pub data_dir: PathBuf,
    /// The folder with `postgres` and `initdb`; `None`: look for one.
    pub binaries: Option<PathBuf>,
    /// Extra server settings, name and value, as in `postgresql.conf`.
    pub settings: Vec<(String, String)>,
}

/// Where a private Postgres lives, once everything is checked and made.
#[derive(Debug)]
struct Site {
    cluster: PathBuf,
    socket: PathBuf,
    binaries: Binaries,
    run_as: RunAs,
    log: Log,
    data_dir: PathBuf,
    /// Held, not read: the operating system drops the lock when the file is closed, however we end.
    _lock: File,
}

/// A running Postgres that belongs to this process.
///
/// [`stop`](Self::stop) ends it in order. Dropping the value, or the death of the process in any way, ends it too, a
/// moment later and with nothing lost.
#[derive(Debug)]
pub struct PrivatePostgres {
    // Dropped in this order: the server is told to end before the lock is free.
    server: Supervised,
    site: Site,
}

impl PrivatePostgres {
    /// Starts Postgres on a data folder and waits until it answers; sets the folder up when it is new.
    ///
    /// Must be called in a Tokio runtime. The value does not depend on that runtime later.
    ///
    /// # Errors
    /// Every way in which this can fail has its own [`PrivatePostgresError`], written for the person who started the
    /// program: no binaries, wrong version, folder in use or out of reach, `initdb` or `postgres` failed.
    pub async fn start(options: Options) -> Result<Self, PrivatePostgresError> {
        let settings = options.settings.clone();
        // Looking around runs a few short programs; a worker thread of the runtime should not wait for them.
        let site = tokio::task::spawn_blocking(move || Site::prepare(&options))
            .await
            .map_err(|error| PrivatePostgresError::Setup(error.into()))??;
        cluster::ensure(&site).await?;
        let server = server::start(&site, &settings).await?;
        tracing::debug!(data_dir = %site.data_dir.display(), "private Postgres is ready");
        Ok(Self { server, site })
    }

    /// How to connect: over the socket, as `unibooks`, to the database `unibooks`.
    #[must_use]
    pub fn connect_options(&self) -> PgConnectOptions {
        self.site.connect_options(NAME)
    }

    /// The same as a URL that sqlx and libpq (`psql`) understand: `postgres://unibooks@%2Fsocket%2Fdir:5432/unibooks`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://{NAME}@{}:{PORT}/{NAME}", socket::percent_encode(&self.site.socket))
    }

    /// Ends Postgres with a fast shutdown (open connections are cut, committed data is on disk) and waits for its exit.
    ///
    /// # Errors
    /// When it does not end within a minute, or when its state cannot be read. It still ends by itself then.
    pub async fn stop(self) -> Result<(), PrivatePostgresError> {
        if self.server.stop(STOP_LIMIT).await? {
            socket::tidy(&self.site.socket, &self.site.data_dir);
            return Ok(());
        }
        Err(PrivatePostgresError::StillRunning { folder: self.site.data_dir, seconds: STOP_LIMIT.as_secs() })
    }
}

impl Site {
    /// Makes and checks everything that must be there before the first child runs.
    fn prepare(options: &Options) -> Result<Self, PrivatePostgresError> {
        let data_dir = folder::create(&options.data_dir)?;
        let lock = folder::lock(&data_dir)?;
        let cluster = data_dir.join("postgres");
        let run_as = RunAs::choose(current_uid(), &cluster)?;
        run_as.check_reach(&data_dir)?;
        let version = cluster::version(&cluster)?;
        let binaries = binaries::find(options.binaries.as_deref(), version, &cluster, &run_as)?;
        let socket = socket::prepare(&data_dir, &run_as)?;
        let log = Log::open(&data_dir.join("postgres.log"))?;
        Ok(Self { cluster, socket, binaries, run_as, log, data_dir, _lock: lock })
    }

    fn connect_options(&self, database: &str) -> PgConnectOptions {
        // Every value that the environment (`PGHOST`, `PGSSLMODE`, …) could bend is set here.
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket)
            .port(PORT)
            .username(NAME)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
    }
}
