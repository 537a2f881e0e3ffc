//! A private Postgres with full durability, which is removed when the benchmark ends.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, bail, ensure};
use sqlx::postgres::PgConnectOptions;
use unibooks::db::private::{Options, PrivatePostgres};

/// Settings that an operator would choose for a machine of this size. Durability is Postgres' default: everything on.
pub const SETTINGS: [(&str, &str); 4] =
    [("shared_buffers", "2GB"), ("max_wal_size", "8GB"), ("checkpoint_timeout", "30min"), ("max_connections", "400")];

/// The database of all parts that do not create one.
pub const MAIN: &str = "unibooks";

/// A running Postgres with its programs and its folder. The folder is removed on drop.
pub struct Postgres {
    // Dropped in this order: the server gets its signal to stop before its folder is removed.
    server: PrivatePostgres,
    folder: Folder,
    binaries: PathBuf,
    file_system: String,
}

/// A folder that is removed on drop, with all its files.
struct Folder(PathBuf);

impl Postgres {
    /// Starts a new cluster. `needed` is the disk space, in bytes, that the benchmark will use.
    pub async fn start(needed: u64) -> anyhow::Result<Self> {
        let binaries = binaries()?;
        let folder = Folder::create()?;
        let file_system = folder.file_system(needed)?;
        let settings = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let options = Options { data_dir: folder.0.join("data"), binaries: Some(binaries.clone()), settings };
        Ok(Self { server: PrivatePostgres::start(options).await?, folder, binaries, file_system })
    }

    /// The path of a program that is installed with Postgres, like `pgbench`.
    pub fn program(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.binaries.join(name);
        ensure!(path.is_file(), "{} is missing; install the package that contains it", path.display());
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

    /// The folder for other files of the benchmark.
    pub fn folder(&self) -> &Path {
        &self.folder.0
    }

    /// The type of the file system that holds the data.
    pub fn file_system(&self) -> &str {
        &self.file_system
    }

    /// Stops Postgres and removes its folder.
    pub async fn stop(self) -> anyhow::Result<()> {
        Ok(self.server.stop().await?)
    }
}

impl Folder {
    /// A new, empty folder. Its path is the same in each run of a checkout, so the next run removes the files of a run
    /// that was killed.
    fn create() -> anyhow::Result<Self> {
        let mut hasher = DefaultHasher::new();
        env!("CARGO_MANIFEST_DIR").hash(&mut hasher);
        let path = env::temp_dir().join(format!("unibooks-bench-{:08x}", hasher.finish() & 0xffff_ffff));
        let in_use = fs::File::open(path.join("data/lock")).is_ok_and(|lock| lock.try_lock().is_err());
        ensure!(!in_use, "another run of the benchmark uses {}", path.display());
        // A Postgres whose parent was killed writes to the folder a moment longer.
        for _ in 0..50 {
            if fs::remove_dir_all(&path).is_ok() || !path.exists() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        fs::create_dir(&path).with_context(|| format!("{} cannot be created", path.display()))?;
        Ok(Self(path))
    }

    /// The type of its file system. Fails if too little space is free, or if the file system is in memory, where
    /// nothing is durable and a commit costs nothing.
    fn file_system(&self, needed: u64) -> anyhow::Result<String> {
        let folder = self.0.display();
        let output = Command::new("df").args(["-PkT"]).arg(&self.0).output().context("df does not run")?;
        let text = String::from_utf8_lossy(&output.stdout);
        // A heading, then: device, type, size, used, available.
        let line: Vec<_> = text.lines().nth(1).unwrap_or_default().split_whitespace().collect();
        let [_, kind, _, _, free, ..] = line[..] else { bail!("df has an unknown format: {text}") };
        ensure!(!["tmpfs", "ramfs"].contains(&kind), "{folder} is in memory; set TMPDIR to a folder on a disk");
        let (free, needed) = (free.parse::<u64>()? >> 20, needed.div_ceil(1 << 30));
        ensure!(free >= needed, "{folder} has {free} GiB free; {needed} GiB are needed");
        Ok(kind.to_owned())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Postgres may still be stopping. A file that it writes meanwhile makes the removal fail.
        for _ in 0..100 {
            if fs::remove_dir_all(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        eprintln!("{} could not be removed", self.0.display());
    }
}

/// The folder of Postgres' programs. Installs them if they are missing.
fn binaries() -> anyhow::Result<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/ensure-postgres.sh");
    let output = Command::new("sh").arg(script).arg("--bindir").output().context("sh does not run")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}
