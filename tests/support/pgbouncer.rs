//! A `PgBouncer` in front of a Postgres, for tests and for `make chaos`.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// How `PgBouncer` shares the sessions of Postgres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// A client keeps one session while it is connected. `PgBouncer` ignores startup options; the role has the
    /// settings.
    Session,
    /// Each transaction may get another session. There are only two, fewer than the pool of the server has, so every
    /// statement may run in a session that another one has used.
    Transaction,
}

impl Mode {
    /// The lines of the settings file for this mode.
    pub fn settings(self) -> &'static str {
        match self {
            Self::Session => "pool_mode = session\nignore_startup_parameters = extra_float_digits, options",
            Self::Transaction => {
                "pool_mode = transaction\ndefault_pool_size = 2\nignore_startup_parameters = extra_float_digits"
            }
        }
    }
}

/// A running `PgBouncer`, killed on drop.
pub struct Pooler {
    child: Child,
    file: PathBuf,
    user: Option<String>,
    port: u16,
}

impl Pooler {
    /// Starts a pooler that listens on `port` and connects to the database `unibooks` at `host` and `host_port`.
    /// Its settings are written to `folder`. `PgBouncer` refuses to run as root; a root process starts it as the owner
    /// of `owner_of`.
    ///
    /// # Errors
    /// If its settings cannot be written or it is not installed.
    pub fn start(
        folder: &Path,
        owner_of: &Path,
        host: &str,
        host_port: u16,
        port: u16,
        settings: &str,
    ) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let text = format!(
            "[databases]\nunibooks = host={host} port={host_port} user=unibooks\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             server_login_retry = 1\n\
             {settings}\n",
        );
        let file = folder.join("pgbouncer.ini");
        fs::write(&file, text)?;
        let owner = fs::metadata(owner_of)?.uid();
        let is_root = rustix::process::getuid().is_root();
        if is_root {
            chown(folder, Some(owner), None)?;
        }
        let user = is_root.then(|| name_of(owner));
        let child = spawn(&file, user.as_deref())?;
        Ok(Self { child, file, user, port })
    }

    /// Kills the pooler with SIGKILL.
    ///
    /// # Errors
    /// If it cannot be killed.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Starts the pooler again after it was killed.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn restart(&mut self) -> io::Result<()> {
        self.child = spawn(&self.file, self.user.as_deref())?;
        Ok(())
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn spawn(file: &Path, user: Option<&str>) -> io::Result<Child> {
    let mut command = Command::new("pgbouncer");
    if let Some(user) = user {
        command.args(["-u", user]);
    }
    command.arg(file).stderr(Stdio::null()).spawn()
}

fn name_of(user: u32) -> String {
    let output = Command::new("id").args(["-un", &user.to_string()]).output().expect("a name");
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}
