//! Why a private Postgres does not start or stop, in sentences for the person who started the program.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::ownership::Untrusted;

/// Why the private Postgres could not be started or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrivatePostgresError {
    /// No folder holds usable server programs.
    #[error(
        "no Postgres server (version {minimum} or newer) was found. Looked at: {looked_at}. Install one (`make run` does), \
         or set UNIBOOKS_POSTGRES_BIN to the folder that holds `postgres` and `initdb`."
    )]
    BinariesNotFound {
        /// The oldest version that is supported.
        minimum: u32,
        /// Each folder, with the reason why it cannot be used.
        looked_at: String,
    },
    /// The folder that was asked for cannot be used.
    #[error("the Postgres programs that UNIBOOKS_POSTGRES_BIN names cannot be used: {0}.")]
    BinariesUnusable(String),
    /// The data is of one major version, the programs are of others.
    #[error(
        "the data in {cluster} was written by Postgres {version}, but of that version no server is installed. Looked at: \
         {looked_at}. Install Postgres {version}, set UNIBOOKS_POSTGRES_BIN to the folder of its programs, or choose \
         another data folder with UNIBOOKS_DATA_DIR."
    )]
    VersionMismatch {
        /// The folder of the data.
        cluster: PathBuf,
        /// The major version that wrote it.
        version: u32,
        /// Each folder, with the version found there.
        looked_at: String,
    },
    /// There is no home folder for the data.
    #[error("there is no home folder to keep the data in (HOME is not set). Set UNIBOOKS_DATA_DIR to a folder.")]
    NoHome,
    /// Another user could lead us to other files.
    #[error(
        "the folder {folder} is not used, because of {untrusted}. A data folder and those above it must be yours or \
         root's, and nobody else may write there. Change that (chown, chmod go-w), or choose another folder with \
         UNIBOOKS_DATA_DIR."
    )]
    Untrusted {
        /// The data folder.
        folder: PathBuf,
        /// The file or folder, and who can change it.
        untrusted: Untrusted,
    },
    /// Another process holds the lock of the data folder.
    #[error("another unibooks uses the folder {0}. Stop it, or choose another folder with UNIBOOKS_DATA_DIR.")]
    InUse(PathBuf),
    /// Root started the program, and the user for Postgres cannot enter the data folder.
    #[error(
        "the user `{user}` cannot enter the folder {folder}; Postgres refuses to run as root and runs as that user. Set \
         UNIBOOKS_DATA_DIR to a folder that it can reach, such as /var/lib/unibooks."
    )]
    OutOfReach {
        /// The data folder.
        folder: PathBuf,
        /// The user that Postgres would run as.
        user: String,
    },
    /// Root started the program, and there is no user to run Postgres as.
    #[error(
        "Postgres refuses to run as root, and this system has neither a user `postgres` nor a user `nobody` to run it as. \
         Start unibooks as an ordinary user."
    )]
    NoUser,
    /// The cluster's folder holds something else.
    #[error(
        "{0} exists but is not a Postgres data folder (no PG_VERSION in it). Move it away, or choose another folder with \
         UNIBOOKS_DATA_DIR."
    )]
    NotACluster(PathBuf),
    /// Another user may control the folder for the socket.
    #[error(
        "the folder {folder} for the Postgres socket cannot be used: {reason}. Remove it, or set UNIBOOKS_DATA_DIR to a shorter path."
    )]
    Socket {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// `initdb` or `postgres` ended with an error.
    #[error("{program} failed ({status}). The end of its log {log}:\n{tail}")]
    Failed {
        /// Which program.
        program: &'static str,
        /// How it ended.
        status: String,
        /// The whole log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// Postgres runs but does not answer.
    #[error("Postgres was not ready within {seconds} seconds. The end of its log {log}:\n{tail}")]
    NotReady {
        /// How long we have waited.
        seconds: u64,
        /// The whole log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// Postgres does not end.
    #[error(
        "the Postgres on the folder {folder} was asked to stop but still runs after {seconds} seconds. Its log is postgres.log there."
    )]
    StillRunning {
        /// The data folder.
        folder: PathBuf,
        /// How long we have waited.
        seconds: u64,
    },
    /// Postgres answers, with an error.
    #[error("the private Postgres reported: {0}")]
    Database(#[from] sqlx::Error),
    /// A file or program could not be used.
    #[error("could not {action} {path}: {source}")]
    Io {
        /// The action, as a verb.
        action: &'static str,
        /// The file, folder or program.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The task that prepares the start panicked or was cancelled.
    #[error("the preparation of the private Postgres broke off: {0}")]
    Setup(io::Error),
}

impl PrivatePostgresError {
    /// The failure of a check of the data folder.
    pub(super) fn untrusted(folder: &Path, error: io::Error) -> Self {
        match error.downcast() {
            Ok(untrusted) => Self::Untrusted { folder: folder.to_owned(), untrusted },
            Err(error) => Self::io("check the data folder", folder)(error),
        }
    }

    /// For `map_err`: names the action and the path, which `io::Error` does not.
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
