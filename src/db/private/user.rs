//! The user of the child processes. Postgres refuses to run as root, so root's children run as another user.

use std::{
    env, fs, io,
    os::unix::{
        fs::{MetadataExt, lchown},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
};

use super::error::PrivatePostgresError;
use crate::ownership::ROOT;

/// The user of the child processes.
#[derive(Debug, Clone)]
pub(super) struct RunAs {
    /// The user id, which owns the cluster and the socket.
    pub(super) uid: u32,
    /// The group to run as, when we are root and run the children as another user.
    run_gid: Option<u32>,
    name: String,
}

impl RunAs {
    /// Our own user. For root: the owner of an existing cluster, else the user `postgres`, else `nobody`.
    pub(super) fn choose(current_uid: u32, cluster: &Path) -> Result<Self, PrivatePostgresError> {
        if current_uid != ROOT {
            return Ok(Self { uid: current_uid, run_gid: None, name: current_uid.to_string() });
        }
        if let Ok(owner) = fs::symlink_metadata(cluster)
            && owner.uid() != ROOT
        {
            return Ok(Self { uid: owner.uid(), run_gid: Some(owner.gid()), name: owner.uid().to_string() });
        }
        for name in ["postgres", "nobody"] {
            if let (Ok(uid), Ok(gid)) = (id(&["-u", name]), id(&["-g", name])) {
                return Ok(Self { uid, run_gid: Some(gid), name: name.to_owned() });
            }
        }
        Err(PrivatePostgresError::NoUser)
    }

    /// A command as this user, outside of our process group: Ctrl-C is for the server alone, which drains first. Its
    /// environment holds nothing of ours, neither secrets nor the `PG…` variables.
    pub(super) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env_clear().env("LC_ALL", "C").process_group(0);
        for name in ["PATH", "LD_LIBRARY_PATH"] {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        // This user may not be able to enter our own working folder.
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(gid) = self.run_gid {
            // std drops root's supplementary groups together with the user id.
            command.gid(gid).uid(self.uid);
        }
        command
    }

    /// Makes this user the owner of a path. A link is not followed: root must not be led elsewhere.
    pub(super) fn give(&self, path: &Path) -> io::Result<()> {
        self.run_gid.map_or(Ok(()), |gid| lchown(path, Some(self.uid), Some(gid)))
    }

    /// Whether this user can enter the data folder. A child tries it, because access lists count too.
    pub(super) fn check_reach(&self, folder: &Path) -> Result<(), PrivatePostgresError> {
        if self.run_gid.is_none() {
            return Ok(());
        }
        let enter = self.command("/bin/sh").args(["-c", "cd -- \"$1\"", "sh"]).arg(folder).status();
        if enter.map_err(PrivatePostgresError::io("run", "/bin/sh"))?.success() {
            return Ok(());
        }
        Err(PrivatePostgresError::OutOfReach { folder: folder.to_owned(), user: self.name.clone() })
    }
}

/// Runs `id`, because std cannot look up users and the C library would need `unsafe`.
fn id(args: &[&str]) -> io::Result<u32> {
    let output = Command::new("id").args(args).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| io::Error::other("it printed no number"))
}
