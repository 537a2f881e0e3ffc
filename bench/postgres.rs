//! A Postgres for the benchmark alone, with full durability, that is gone when the benchmark ends.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, bail, ensure};
use sqlx::postgres::PgConnectOptions;
use unibooks::db::private::{Options, PrivatePostgres};

/// What an operator of a machine of this size would set; durability is Postgres' default, everything on.
pub const SETTINGS: [(&str, &str); 4] =
    [("shared_buffers", "2GB"), ("max_wal_size", "8GB"), ("checkpoint_timeout", "30min"), ("max_connections", "400")];

/// The database that is measured unless a part makes its own.
pub const MAIN: &str = "unibooks";

/// A running Postgres, its programs, and its folder, which goes when this is dropped.
pub struct Postgres {
    // Dropped in this order: the server is told to end before its folder is removed.
    server: PrivatePostgres,
    folder: Folder,
    binaries: PathBuf,
    file_system: String,
}

/// A folder that is removed with everything in it, however the benchmark ends.
struct Folder(PathBuf);

impl Postgres {
    /// Starts on a new cluster. `needed` is the free disk, in bytes, that the benchmark will fill.
    pub async fn start(needed: u64) -> anyhow::Result<Self> {
        let binaries = binaries()?;
        let folder = Folder::fresh()?;
        let file_system = folder.file_system(needed)?;
        let settings = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let options = Options { data_dir: folder.0.join("data"), binaries: Some(binaries.clone()), settings };
        Ok(Self { server: PrivatePostgres::start(options).await?, folder, binaries, file_system })
    }

    /// A program that comes with the server, like `pgbench`.
    pub fn program(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.binaries.join(name);
        ensure!(path.is_file(), "{} is missing; install the package that brings it", path.display());
        Ok(path)
    }

    /// The address of a database, for sqlx and libpq.
    pub fn url(&self, database: &str) -> String {
        let main = self.server.url();
        let (server, _) = main.rsplit_once('/').unwrap_or((&main, ""));
        format!("{server}/{database}")
    }

    /// How to connect to a database.
    pub fn connect_options(&self, database: &str) -> PgConnectOptions {
        self.server.connect_options().database(database)
    }

    /// Where other files of the benchmark may lie.
    pub fn folder(&self) -> &Path {
        &self.folder.0
    }

    /// What kind of file system holds the data.
    pub fn file_system(&self) -> &str {
        &self.file_system
    }

    /// Ends Postgres and removes everything.
    pub async fn stop(self) -> anyhow::Result<()> {
        Ok(self.server.stop().await?)
    }
}

impl Folder {
    /// The same in each run of a checkout, so that a run that was killed leaves nothing for good.
    fn fresh() -> anyhow::Result<Self> {
        let mut hasher = DefaultHasher::new();
        env!("CARGO_MANIFEST_DIR").hash(&mut hasher);
        let path = env::temp_dir().join(format!("unibooks-bench-{:08x}", hasher.finish() & 0xffff_ffff));
        let in_use = fs::File::open(path.join("data/lock")).is_ok_and(|lock| lock.try_lock().is_err());
        ensure!(!in_use, "another run of the benchmark uses {}", path.display());
        // A Postgres whose owner was killed writes there for a moment longer.
        for _ in 0..50 {
            if fs::remove_dir_all(&path).is_ok() || !path.exists() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        fs::create_dir(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(Self(path))
    }

    /// The kind of its file system, after a look at what is free. Never one in memory, where nothing is durable and a
    /// commit costs nothing.
    fn file_system(&self, needed: u64) -> anyhow::Result<String> {
        let folder = self.0.display();
        let output = Command::new("df").args(["-PkT"]).arg(&self.0).output().context("df does not run")?;
        let text = String::from_utf8_lossy(&output.stdout);
        // A heading, then: device, type, size, used, available.
        let line: Vec<_> = text.lines().nth(1).unwrap_or_default().split_whitespace().collect();
        let [_, kind, _, _, free, ..] = line[..] else { bail!("df is not understood: {text}") };
        ensure!(!["tmpfs", "ramfs"].contains(&kind), "{folder} is in memory; set TMPDIR to a folder on a disk");
        let (free, needed) = (free.parse::<u64>()? >> 20, needed.div_ceil(1 << 30));
        ensure!(free >= needed, "{folder} has {free} GiB free; {needed} GiB are needed");
        Ok(kind.to_owned())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Postgres may still be ending; what it writes last keeps a folder from being empty.
        for _ in 0..100 {
            if fs::remove_dir_all(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        eprintln!("{} could not be removed", self.0.display());
    }
}

/// The folder of Postgres' programs, which are installed when they are missing.
fn binaries() -> anyhow::Result<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/ensure-postgres.sh");
    let output = Command::new("sh").arg(script).arg("--bindir").output().context("sh does not run")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}
