//! Which users can change a file that decides what this process does.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fmt, io};

/// The id of the user root.
pub const ROOT: u32 = 0;

/// The effective user id of this process.
#[must_use]
pub fn current_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Why a user who is not trusted can change a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It belongs to the user with this id.
    Owner(u32),
    /// Its group can write it.
    Group,
    /// Every user can write it.
    Everybody,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner(uid) => write!(f, "it belongs to the user with the id {uid}"),
            Self::Group => f.write_str("its group can write it"),
            Self::Everybody => f.write_str("everybody can write it"),
        }
    }
}

/// Whether only root and the `trusted` users can change a file or folder. A group with the id of such a user counts as
/// that user's own group, as most systems create it. (With an access list, the group's bits show the most that the list
/// allows.)
///
/// # Errors
/// The first [`Fault`] that is found.
pub fn check(found: &Metadata, trusted: &[u32]) -> Result<(), Fault> {
    let is_trusted = |id: u32| id == ROOT || trusted.contains(&id);
    if !is_trusted(found.uid()) {
        Err(Fault::Owner(found.uid()))
    } else if found.mode() & 0o002 != 0 {
        Err(Fault::Everybody)
    } else if found.mode() & 0o020 != 0 && !is_trusted(found.gid()) {
        Err(Fault::Group)
    } else {
        Ok(())
    }
}

/// The same check for a folder that holds something of ours. With the sticky bit, like `/tmp`, it may be writable by
/// every user: they create files there but cannot change ours.
///
/// # Errors
/// The first [`Fault`] that is found.
pub fn check_parent(found: &Metadata, trusted: &[u32]) -> Result<(), Fault> {
    let is_sticky = found.mode() & 0o1000 != 0;
    check(found, trusted).or_else(|fault| match fault {
        Fault::Group | Fault::Everybody if is_sticky => Ok(()),
        fault => Err(fault),
    })
}

/// The place on the path to a file or folder that another user can change.
#[derive(Debug, thiserror::Error)]
#[error("{}: {fault}", .path.display())]
pub struct Untrusted {
    /// The file, or a folder above it.
    pub path: PathBuf,
    /// Why it can be changed.
    pub fault: Fault,
}

/// Whether only root and the `trusted` users can change a file or folder, or replace it. Links are followed; returns
/// the real path, which has no links.
///
/// # Errors
/// When the system denies access, or an [`Untrusted`] that names the place that another user can change.
pub fn check_path(path: &Path, trusted: &[u32]) -> io::Result<PathBuf> {
    check_from(path, trusted, check)
}

/// The same check for a folder that holds something of ours, or will.
///
/// # Errors
/// As [`check_path`].
pub fn check_parent_path(path: &Path, trusted: &[u32]) -> io::Result<PathBuf> {
    check_from(path, trusted, check_parent)
}

fn check_from(
    path: &Path,
    trusted: &[u32],
    check_itself: fn(&Metadata, &[u32]) -> Result<(), Fault>,
) -> io::Result<PathBuf> {
    let path = path.canonicalize()?;
    let mut check_place = check_itself;
    for place in path.ancestors() {
        check_place(&fs::symlink_metadata(place)?, trusted)
            .map_err(|fault| io::Error::other(Untrusted { path: place.to_owned(), fault }))?;
        check_place = check_parent;
    }
    Ok(path)
}
