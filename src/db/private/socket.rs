//! The folder of the Unix socket. Only its owner and root can enter it, which takes the place of a password.

use std::{
    env,
    fmt::Write as _,
    fs,
    fs::DirBuilder,
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt},
    },
    path::{Path, PathBuf},
};

use super::{error::PrivatePostgresError, site::PORT, user::RunAs};
use crate::ownership::ROOT;

/// The longest path of a socket in bytes: `sun_path` without its final zero.
const LONGEST: usize = if cfg!(target_os = "macos") { 103 } else { 107 };

/// Creates the folder for the socket: `socket` in the data folder, or one with a short name elsewhere when that path is
/// too long for the system.
pub(super) fn prepare(data_dir: &Path, run_as: &RunAs) -> Result<PathBuf, PrivatePostgresError> {
    let folder = choose(data_dir, &env::temp_dir());
    let refuse = |reason: String| PrivatePostgresError::Socket { folder: folder.clone(), reason };
    match DirBuilder::new().mode(0o700).create(&folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // In a folder like `/tmp`, another user may have been first.
            let found = fs::symlink_metadata(&folder).map_err(|error| refuse(error.to_string()))?;
            let owned = found.uid() == run_as.uid || found.uid() == ROOT;
            if !found.is_dir() || !owned || found.mode() & 0o077 != 0 {
                return Err(refuse(
                    "it is not a folder that only its owner, the user of Postgres, can enter".to_owned(),
                ));
            }
        }
        Err(error) => return Err(refuse(error.to_string())),
    }
    run_as.give(&folder).map_err(|error| refuse(error.to_string()))?;
    Ok(folder)
}

/// Removes a folder that was created outside of the data folder. When that fails, the next start uses it again.
pub(super) fn tidy(folder: &Path, data_dir: &Path) {
    if !folder.starts_with(data_dir) {
        let _ = fs::remove_dir(folder);
    }
}

fn choose(data_dir: &Path, temp: &Path) -> PathBuf {
    // The hash distinguishes data folders. It needs only to be the same at each start.
    let short = format!("unibooks-{:016x}", fnv1a(data_dir.as_os_str().as_bytes()));
    let places = [data_dir.join("socket"), temp.join(&short)];
    places.into_iter().find(|folder| fits(folder)).unwrap_or_else(|| Path::new("/tmp").join(short))
}

fn fits(folder: &Path) -> bool {
    folder.is_absolute() && folder.join(format!(".s.PGSQL.{PORT}")).as_os_str().len() <= LONGEST
}

/// FNV-1a, 64 bit.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The path as the host of a URL, where even the slashes must be encoded.
pub(super) fn percent_encode(path: &Path) -> String {
    let mut text = String::new();
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn socket_moves_only_if_its_path_is_too_long() {
        let room = LONGEST - "/socket/.s.PGSQL.5432".len();
        let fitting = PathBuf::from(format!("/{}", "d".repeat(room - 1)));
        assert_eq!(choose(&fitting, Path::new("/tmp")), fitting.join("socket"));
        let long = PathBuf::from(format!("/{}", "d".repeat(room)));
        let moved = choose(&long, Path::new("/tmp"));
        assert_eq!(moved.parent(), Some(Path::new("/tmp")));
        assert_ne!(moved, choose(&long.join("other"), Path::new("/tmp")));
    }

    #[test]
    fn temporary_folder_with_a_long_path_is_replaced_by_tmp() {
        let long = PathBuf::from(format!("/{}", "d".repeat(200)));
        assert_eq!(choose(&long, &long).parent(), Some(Path::new("/tmp")));
    }

    #[test]
    fn all_bytes_but_unreserved_ones_are_encoded() {
        assert_eq!(percent_encode(Path::new("/a b/Ü_~.-9%")), "%2Fa%20b%2F%C3%9C_~.-9%25");
    }
}
