//! What the files of a private Postgres need to know of each other: its folders, its programs and its user.

use std::{fs::File, path::PathBuf};

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::{binaries::Binaries, log::Log, user::RunAs};

/// The superuser and the database are named after the program.
pub(super) const NAME: &str = "unibooks";
/// The port, which is only a part of the socket's file name. It is fixed, so that `PGPORT` has no effect.
pub(super) const PORT: u16 = 5432;

/// The place of one private Postgres, after everything in it was checked and created.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) cluster: PathBuf,
    pub(super) socket: PathBuf,
    pub(super) binaries: Binaries,
    pub(super) run_as: RunAs,
    pub(super) log: Log,
    pub(super) data_dir: PathBuf,
    /// Held and never read. The operating system releases the lock when the file is closed, even after a kill.
    pub(super) _lock: File,
}

impl Site {
    /// How to reach a database on it.
    pub(super) fn connect_options(&self, database: &str) -> PgConnectOptions {
        // Every value that the environment (`PGHOST`, `PGSSLMODE`, …) could change is set here.
        PgConnectOptions::new_without_pgpass()
            .socket(&self.socket)
            .port(PORT)
            .username(NAME)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
    }
}
