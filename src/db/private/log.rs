//! `postgres.log`: what `initdb` and `postgres` print.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::{error::PrivatePostgresError, folder::without_links};

/// A longer log is removed at the next start. Bytes.
const MAX_BYTES: u64 = 10 * 1024 * 1024;
/// How many lines an error quotes.
const TAIL_LINES: usize = 12;

/// The log, and the offset at which this start begins.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) path: PathBuf,
    start: u64,
}

impl Log {
    pub(super) fn open(path: &Path) -> Result<Self, PrivatePostgresError> {
        let mut start = fs::symlink_metadata(path).map_or(0, |found| found.len());
        if start > MAX_BYTES {
            fs::remove_file(path).map_err(PrivatePostgresError::io("remove", path))?;
            start = 0;
        }
        Ok(Self { path: path.to_owned(), start })
    }

    /// A handle for a child to write to.
    pub(super) fn writer(&self) -> Result<File, PrivatePostgresError> {
        let open = without_links().append(true).create(true).mode(0o600).open(&self.path);
        open.map_err(PrivatePostgresError::io("write", &self.path))
    }

    /// The last lines of this start.
    pub(super) fn tail(&self) -> String {
        self.read().map_or_else(|error| format!("(cannot be read: {error})"), |text| last_lines(&text))
    }

    fn read(&self) -> io::Result<String> {
        let mut file = without_links().read(true).open(&self.path)?;
        let end = file.seek(SeekFrom::End(0))?;
        // Twelve lines are within the last few kilobytes.
        file.seek(SeekFrom::Start(self.start.max(end.saturating_sub(16 * 1024))))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tail_shows_only_this_start() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("postgres.log");
        fs::write(&path, "earlier\n").expect("file");
        let log = Log::open(&path).expect("log");
        assert_eq!(log.tail(), "");
        let lines: Vec<String> = (0..20).map(|line| format!("line {line}")).collect();
        fs::write(&path, format!("earlier\n{}\n", lines.join("\n"))).expect("file");
        assert_eq!(log.tail(), lines[8..].join("\n"));
    }
}
