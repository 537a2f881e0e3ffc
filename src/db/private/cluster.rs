//! The cluster: Postgres' data files, created once by `initdb`.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use tokio::time::sleep;

use super::{
    error::PrivatePostgresError,
    site::{NAME, Site},
    supervised::{POLL, Supervised},
};

/// How the name of a cluster begins until it is complete.
const UNFINISHED: &str = "postgres.new-";
/// How long the `initdb` of a killed owner may still write. It ends within a second or two.
const LEFTOVER_LIMIT: Duration = Duration::from_secs(10);

/// The major version that wrote the cluster; `None` when there is no cluster yet.
pub(super) fn version(cluster: &Path) -> Result<Option<u32>, PrivatePostgresError> {
    if !cluster.exists() {
        return Ok(None);
    }
    let path = cluster.join("PG_VERSION");
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(PrivatePostgresError::io("read", path)(error));
        }
        text => text.unwrap_or_default(),
    };
    text.trim().parse().map(Some).map_err(|_| PrivatePostgresError::NotACluster(cluster.to_owned()))
}

/// Creates the cluster unless it exists, and removes what killed attempts left.
pub(super) async fn ensure(site: &Site) -> Result<(), PrivatePostgresError> {
    for leftover in leftovers(&site.data_dir)? {
        remove(&leftover).await?;
    }
    if site.cluster.exists() {
        return Ok(());
    }
    tracing::info!(folder = %site.cluster.display(), "creating a new Postgres cluster");
    let unfinished = unfinished(&site.data_dir);
    let made = DirBuilder::new().mode(0o700).create(&unfinished).and_then(|()| site.run_as.give(&unfinished));
    made.map_err(PrivatePostgresError::io("make", &unfinished))?;
    initdb(site, &unfinished).await?;
    // From here on the cluster is complete, even after a power cut: initdb has synced the files, we sync the rename.
    let renamed = fs::rename(&unfinished, &site.cluster).and_then(|()| File::open(&site.data_dir)?.sync_all());
    renamed.map_err(PrivatePostgresError::io("make", &site.cluster))
}

async fn initdb(site: &Site, folder: &Path) -> Result<(), PrivatePostgresError> {
    let mut args: Vec<OsString> = [
        "--encoding=UTF8",
        // The same sort order on every machine, and after every upgrade of its C library.
        "--locale=C",
        // Only its owner can enter the socket's folder, and there is no network listener.
        "--auth-local=trust",
        "--auth-host=reject",
        "--data-checksums",
        "--no-instructions",
        "--username",
        NAME,
        "--pgdata",
    ]
    .map(OsString::from)
    .into();
    args.push(folder.into());
    let child = Supervised::start(&site.binaries.initdb(), &args, &site.run_as, &site.log)?;
    let status = child.finished().await?;
    if status.success() {
        return Ok(());
    }
    let (log, tail) = (site.log.path.clone(), site.log.tail());
    Err(PrivatePostgresError::Failed { program: "initdb", status: status.to_string(), log, tail })
}

/// A name that no earlier attempt has used, because the `initdb` of that attempt may still write there.
fn unfinished(data_dir: &Path) -> PathBuf {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    data_dir.join(format!("{UNFINISHED}{}-{}", std::process::id(), now.as_nanos()))
}

fn leftovers(data_dir: &Path) -> Result<Vec<PathBuf>, PrivatePostgresError> {
    let list = || {
        let entries = fs::read_dir(data_dir)?.collect::<io::Result<Vec<_>>>()?;
        let names =
            entries.iter().filter(|entry| entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()));
        Ok(names.map(fs::DirEntry::path).collect())
    };
    list().map_err(PrivatePostgresError::io("read", data_dir))
}

/// Removes a folder in which an `initdb` may still write for a moment. That `initdb` loses its files, fails and ends.
async fn remove(folder: &Path) -> Result<(), PrivatePostgresError> {
    tracing::info!(folder = %folder.display(), "removing an unfinished Postgres cluster");
    let started = Instant::now();
    loop {
        match fs::remove_dir_all(folder) {
            Ok(()) => return Ok(()),
            Err(_) if !folder.exists() => return Ok(()),
            Err(_) if started.elapsed() < LEFTOVER_LIMIT => sleep(POLL).await,
            Err(error) => return Err(PrivatePostgresError::io("remove", folder)(error)),
        }
    }
}
