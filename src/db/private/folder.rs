//! The data folder: where it is, who may enter it, and the lock that lets one process use it.

use std::{
    env,
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

use rustix::fs::OFlags;

use super::error::PrivatePostgresError;
use crate::ownership::{self, ROOT, current_uid};

/// See [`lock`].
const LOCK_ATTEMPTS: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The data folder when none is chosen: `$XDG_DATA_HOME/unibooks` or `~/.local/share/unibooks`; for root
/// `/var/lib/unibooks`, because the user that Postgres runs as cannot enter `/root`.
///
/// # Errors
/// When there is no home folder.
pub fn default_data_dir() -> Result<PathBuf, PrivatePostgresError> {
    if current_uid() == ROOT {
        return Ok("/var/lib/unibooks".into());
    }
    below_home(env::var_os("XDG_DATA_HOME").map(PathBuf::from), env::var_os("HOME").map(PathBuf::from))
        .ok_or(PrivatePostgresError::NoHome)
}

/// A relative `XDG_DATA_HOME` counts as unset, as its specification says.
fn below_home(data_home: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let base = data_home.filter(|path| path.is_absolute()).or_else(|| {
        let home = home.filter(|path| path.is_absolute())?;
        Some(home.join(".local/share"))
    })?;
    Some(base.join("unibooks"))
}

/// Creates the data folder unless it exists, and returns its real path. An existing folder keeps its mode.
///
/// Neither the folder nor one above it may belong to another user or be writable by one. Such a user could put a link
/// into it, and we would write to where the link leads. A shared folder above it with the sticky bit, like `/tmp`, is
/// no danger.
pub(super) fn create(path: &Path) -> Result<PathBuf, PrivatePostgresError> {
    let us = &[current_uid()];
    let untrusted = |error| PrivatePostgresError::untrusted(path, error);
    let path = &std::path::absolute(path).map_err(PrivatePostgresError::io("find", path))?;
    let above = path.ancestors().skip(1).find(|above| above.exists());
    if let (false, Some(above)) = (path.exists(), above) {
        // Before anything is created: root creates nothing in another user's folder.
        let real = ownership::check_parent_path(above, us).map_err(untrusted)?;
        let wanted = real.join(path.strip_prefix(above).unwrap_or(path));
        make(&wanted).map_err(PrivatePostgresError::io("make the data folder", path))?;
    }
    ownership::check_path(path, us).map_err(untrusted)
}

/// Creates a folder and those above it.
fn make(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    // Root keeps its folder, but the user that Postgres runs as must be able to pass through it to the cluster.
    let mode = if current_uid() == ROOT { 0o711 } else { 0o700 };
    DirBuilder::new().mode(mode).create(path)?;
    // Again, because the umask has removed bits from it.
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Opens files and refuses links: nothing in our folder has a reason to be one.
pub(super) fn without_links() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

/// Takes the lock of the data folder, which is held as long as the file is open. std opens files so that children do
/// not inherit them (`O_CLOEXEC`). So a Postgres that outlives us for a moment does not hold the lock.
///
/// Between `fork` and `exec`, a child of a killed process still holds it, for less than a millisecond. So there is more
/// than one attempt, with pauses that block the thread.
pub(super) fn lock(data_dir: &Path) -> Result<File, PrivatePostgresError> {
    let path = data_dir.join("lock");
    let open = without_links().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = open.map_err(PrivatePostgresError::io("open the lock file", &path))?;
    for _ in 0..LOCK_ATTEMPTS {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Err(PrivatePostgresError::io("lock", path)(error)),
        }
    }
    Err(PrivatePostgresError::InUse(data_dir.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_home_comes_before_home_and_must_be_absolute() {
        let at =
            |data_home: Option<&str>, home: Option<&str>| below_home(data_home.map(Into::into), home.map(Into::into));
        assert_eq!(at(Some("/data"), Some("/home/me")), Some("/data/unibooks".into()));
        assert_eq!(at(Some("data"), Some("/home/me")), Some("/home/me/.local/share/unibooks".into()));
        assert_eq!(at(None, Some("/home/me")), Some("/home/me/.local/share/unibooks".into()));
        assert_eq!(at(None, None), None);
    }
}
