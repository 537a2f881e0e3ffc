//! The file `.env` of the working folder: settings that the environment does not set.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::{env, io};

use rustix::fs::OFlags;

use crate::ownership::{self, Fault, current_uid};

/// The name of the file.
const NAME: &str = ".env";
/// A larger file holds no settings.
const LARGEST: u64 = 64 * 1_024;

/// What was taken from the file.
#[derive(Debug, Default)]
pub struct EnvFile {
    /// The file, if there is one.
    pub path: Option<PathBuf>,
    /// The names of the variables that were set from it. Their values may be secrets.
    pub names: Vec<String>,
}

/// Why the file was not used. No message quotes its content, which may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another user could have written it.
    #[error(
        "{path} is not used: {fault}. Settings must come from a file and a folder that only you or root can write \
         (chmod go-w, chown); or set them in the environment"
    )]
    Untrusted {
        /// The file or its folder.
        path: PathBuf,
        /// Who could.
        fault: Fault,
    },
    /// The file is a link, a folder or a pipe.
    #[error("{0} is not used: it is not a plain file")]
    NotAFile(PathBuf),
    /// The system denies access, or the file is not UTF-8.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A line is not a setting.
    #[error(
        "{path} cannot be read: line {line} is not NAME=value; write a value with blanks or quotes as NAME=\"value\""
    )]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

/// Sets `DATABASE_URL` and this program's own variables from the file `.env` of the working folder, unless the environment
/// has them. Parent folders are not searched: they may belong to another program or user. Must be called before any
/// thread starts.
///
/// # Errors
/// When the file exists and cannot be trusted or read. Then nothing is set.
pub fn load() -> Result<EnvFile, Error> {
    let folder = env::current_dir().unwrap_or_else(|_| ".".into());
    let path = folder.join(NAME);
    let Some(text) = read(&folder, &path)? else { return Ok(EnvFile::default()) };
    let variables = parse(&text).map_err(|line| Error::Malformed { path: path.clone(), line })?;
    let wanted = variables.into_iter().filter(|(name, _)| name == "DATABASE_URL" || name.starts_with("UNIBOOKS_"));
    let fresh: Vec<_> = wanted.filter(|(name, _)| env::var_os(name).is_none()).collect();
    let lines: Vec<_> = fresh.iter().map(|(name, value)| format!("{name}=\"{}\"\n", escaped(value))).collect();
    // These lines were parsed before, so this cannot fail.
    dotenvy::from_read(lines.concat().as_bytes()).map_err(|_| Error::Malformed { path: path.clone(), line: 0 })?;
    let mut names: Vec<_> = fresh.into_iter().map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    Ok(EnvFile { path: Some(path), names })
}

/// The text of the file, or `None` when there is no file.
fn read(folder: &Path, path: &Path) -> Result<Option<String>, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    // Follows no link, and does not wait for the writer of a pipe.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(NAME) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(_) if path.is_symlink() => return Err(Error::NotAFile(path.to_owned())),
        Err(error) => return Err(unreadable(error)),
    };
    let found = file.metadata().map_err(unreadable)?;
    if !found.is_file() {
        return Err(Error::NotAFile(path.to_owned()));
    }
    let us = &[current_uid()];
    let untrusted = |path: &Path| {
        let path = path.to_owned();
        move |fault| Error::Untrusted { path, fault }
    };
    ownership::check(&found, us).map_err(untrusted(path))?;
    // Parent folders do not matter: the system holds this one open as our working folder.
    ownership::check_parent(&fs::metadata(".").map_err(unreadable)?, us).map_err(untrusted(folder))?;
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST {
        return Err(unreadable(io::Error::other(format!("it has more than {LARGEST} bytes"))));
    }
    Ok(Some(text))
}

/// All variables in their order, or the number of the malformed line, from 1.
fn parse(text: &str) -> Result<Vec<(String, String)>, usize> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // No variable can contain a NUL.
    let is_text = |text: &str| !text.contains('\0');
    let read = |text: &str| {
        let variables: Option<Vec<_>> = dotenvy::from_read_iter(text.as_bytes()).map(Result::ok).collect();
        variables.filter(|_| is_text(text))
    };
    read(text).ok_or_else(|| {
        // The malformed line follows the longest well-formed prefix. The error of dotenvy would quote its content.
        let ends = text.split_inclusive('\n').scan(0, |end, line| {
            *end += line.len();
            Some(*end)
        });
        let whole = ends.enumerate().filter(|(_, end)| read(&text[..*end]).is_some()).last();
        whole.map_or(1, |(index, _)| index + 2)
    })
}

/// A value, escaped for double quotes.
fn escaped(value: &str) -> String {
    let escape = |c| match c {
        '\\' | '"' | '$' => vec!['\\', c],
        '\n' => vec!['\\', 'n'],
        c => vec![c],
    };
    value.chars().flat_map(escape).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn malformed_line_is_named_by_its_number() {
        for (text, line) in [
            ("A=1\nB=two words\nC=3\n", 2),
            ("A=1\n\n# a comment\nB=\"open\nC=3\n", 4),
            ("A='open", 1),
            ("no setting\n", 1),
            ("A=\"two\nlines\"\nB=1\n=2\n", 4),
            ("A=1\nB=\0\n", 2),
            ("A=1\r\nB=\"x\" y\r\n", 2),
        ] {
            assert_eq!(parse(text), Err(line), "{text:?}");
        }
    }

    #[test]
    fn byte_order_mark_line_ends_and_export_are_accepted() {
        let one = |name: &str, value: &str| Ok(vec![(name.to_owned(), value.to_owned())]);
        assert_eq!(parse("\u{feff}A=1\r\n"), one("A", "1"));
        assert_eq!(parse("export A=\"x y\" # why\n"), one("A", "x y"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn escaped_value_is_read_back_unchanged(value in "[^\0]*") {
            let line = format!("A=\"{}\"\n", escaped(&value));
            prop_assert_eq!(parse(&line), Ok(vec![("A".to_owned(), value)]));
        }
    }
}
