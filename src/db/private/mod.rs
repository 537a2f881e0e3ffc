//! A private Postgres, for `unibooks dev` and for the tests: found on the machine, set up on first use, run as a child
//! process on a Unix socket, and ended with its owner.
//!
//! Inside the data folder: `lock` (held while in use), `postgres/` (the cluster), `socket/` and `postgres.log`. The
//! caller may keep other files beside them. Durability is Postgres' own: nothing of it is switched off.
//!
//! The files, in the order in which a start uses them: `user` (root may not run Postgres), `folder` (the data folder
//! and its lock), `binaries`, `socket`, `cluster` (`initdb`), `orphan` (what a killed owner left), `server` (run it and
//! wait until it is ready). Below them are `site` (what the others need to know), `supervised` (no child outlives its
//! owner) and `log`.

mod binaries;
mod cluster;
mod error;
mod folder;
mod log;
mod orphan;
mod server;
mod site;
mod socket;
mod supervised;
mod user;

use std::{path::PathBuf, time::Duration};

use sqlx::postgres::PgConnectOptions;

pub use self::{error::PrivatePostgresError, folder::default_data_dir};
use self::{
    log::Log,
    site::{NAME, PORT, Site},
    supervised::Supervised,
    user::RunAs,
};
use crate::ownership::current_uid;

/// How long a stop may take. A fast shutdown writes what is in memory, which is slow on a slow disk.
const STOP_LIMIT: Duration = Duration::from_mins(1);

/// What [`PrivatePostgres::start`] needs.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder that keeps the data; created when it does not exist. See [`default_data_dir`].
    pub data_dir: PathBuf,
    /// The folder with `postgres` and `initdb`; `None`: look for one.
    pub binaries: Option<PathBuf>,
    /// Extra server settings, name and value, as in `postgresql.conf`.
    pub settings: Vec<(String, String)>,
}

/// A running Postgres that belongs to this process.
///
/// [`stop`](Self::stop) shuts it down and waits. A drop of the value, or the death of this process in any way, shuts it
/// down too, a moment later and with nothing lost.
#[derive(Debug)]
pub struct PrivatePostgres {
    // Dropped in this order: the server is interrupted before the lock is free.
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
        // This runs a few short programs; a worker thread of the runtime should not wait for them.
        let site = tokio::task::spawn_blocking(move || prepare(&options))
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

    /// Ends Postgres with a fast shutdown (open sessions are ended, committed data is on disk) and waits for its exit.
    ///
    /// # Errors
    /// When it does not end within a minute, or its state cannot be read. Even then it ends by itself later.
    pub async fn stop(self) -> Result<(), PrivatePostgresError> {
        if self.server.stop(STOP_LIMIT).await? {
            socket::tidy(&self.site.socket, &self.site.data_dir);
            return Ok(());
        }
        Err(PrivatePostgresError::StillRunning { folder: self.site.data_dir, seconds: STOP_LIMIT.as_secs() })
    }
}

/// Creates and checks everything that must be there before the first child runs.
fn prepare(options: &Options) -> Result<Site, PrivatePostgresError> {
    let data_dir = folder::create(&options.data_dir)?;
    let lock = folder::lock(&data_dir)?;
    let cluster = data_dir.join("postgres");
    let run_as = RunAs::choose(current_uid(), &cluster)?;
    run_as.check_reach(&data_dir)?;
    let version = cluster::version(&cluster)?;
    let binaries = binaries::find(options.binaries.as_deref(), version, &cluster, &run_as)?;
    let socket = socket::prepare(&data_dir, &run_as)?;
    let log = Log::open(&data_dir.join("postgres.log"))?;
    Ok(Site { cluster, socket, binaries, run_as, log, data_dir, _lock: lock })
}
