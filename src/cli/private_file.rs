//! Files with secrets of `dev` and of the demo, readable by their owner only.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Result, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The content of a file, or `None` when there is no file.
///
/// # Errors
/// When the system denies access.
pub fn read(file: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a new file and renames it, so that the file is whole and never readable by others.
///
/// # Errors
/// When the system denies access, or the disk is full.
pub fn write(file: &Path, content: &[u8]) -> Result<()> {
    let fresh = file.with_extension("new");
    // A file that a killed start left behind would keep its mode.
    fs::remove_file(&fresh).or_else(|error| match error.kind() {
        ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    let mut opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    opened.write_all(content)?;
    opened.sync_all()?;
    fs::rename(&fresh, file)
}
