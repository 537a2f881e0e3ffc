//! Finds the programs of a Postgres server.

use std::{
    cmp::Reverse,
    env, fs, io,
    path::{Path, PathBuf},
    process::Stdio,
};

use super::{error::PrivatePostgresError, user::RunAs};
use crate::ownership::{self, ROOT, current_uid};

/// The oldest version that is supported.
const MINIMUM: u32 = 14;

/// Folders that hold one folder for each version, and how the names of those begin.
const VERSIONED: [(&str, &str); 5] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql"),
    ("/usr/local/opt", "postgresql"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql"),
];

/// A folder with the programs of one version.
#[derive(Debug)]
pub(super) struct Binaries(PathBuf);

impl Binaries {
    pub(super) fn initdb(&self) -> PathBuf {
        self.0.join("initdb")
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.0.join("postgres")
    }
}

/// The first folder whose programs fit: of the version of the existing cluster, or new enough. A folder that was asked
/// for is the only candidate.
pub(super) fn find(
    asked_for: Option<&Path>,
    cluster_version: Option<u32>,
    cluster: &Path,
    run_as: &RunAs,
) -> Result<Binaries, PrivatePostgresError> {
    let candidates = asked_for.map_or_else(|| candidates(run_as), |folder| vec![folder.to_owned()]);
    let mut looked_at = Vec::new();
    for folder in candidates {
        match inspect(&folder, run_as) {
            Ok((real, version)) if cluster_version.map_or(version >= MINIMUM, |wanted| version == wanted) => {
                return Ok(Binaries(real));
            }
            Ok((_, version)) => looked_at.push(format!("{} (version {version})", folder.display())),
            Err(fault) => looked_at.push(format!("{} ({fault})", folder.display())),
        }
    }
    let looked_at = looked_at.join(", ");
    Err(match (asked_for, cluster_version) {
        (_, Some(version)) => PrivatePostgresError::VersionMismatch { cluster: cluster.to_owned(), version, looked_at },
        (Some(_), None) => {
            PrivatePostgresError::BinariesUnusable(format!("{looked_at}; version {MINIMUM} or newer is needed"))
        }
        (None, None) => PrivatePostgresError::BinariesNotFound { minimum: MINIMUM, looked_at },
    })
}

/// Where to look, best first. `pg_config` and `PATH` are the user's choice; packages install into the rest.
fn candidates(run_as: &RunAs) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(output) = run_as.command("pg_config").arg("--bindir").stdout(Stdio::piped()).output()
        && output.status.success()
    {
        folders.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    let path = env::var_os("PATH").unwrap_or_default();
    // Only those of `PATH` that hold a server: a list of all the others would not help in an error.
    folders.extend(env::split_paths(&path).filter(|folder| folder.is_absolute() && folder.join("postgres").is_file()));
    for (parent, prefix) in VERSIONED {
        folders.extend(newest_first(Path::new(parent), prefix));
    }
    let mut seen = Vec::new();
    folders.retain(|folder| {
        let new = !seen.contains(folder);
        seen.push(folder.clone());
        new
    });
    if folders.is_empty() {
        // For the error: where a server would have been found.
        folders.push("/usr/lib/postgresql/*/bin".into());
        folders.push("the folders of PATH".into());
    }
    folders
}

/// The `bin` folders of all versions below a folder.
fn newest_first(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix)))
        .map(|entry| (entry.file_name().to_str().map_or(0, version_in_name), entry.path().join("bin")))
        .filter(|(_, folder)| folder.join("postgres").is_file())
        .collect();
    found.sort_by_key(|(version, _)| Reverse(*version));
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// The version in a folder's name: 17 of `postgresql@17`, 0 when there is none.
fn version_in_name(name: &str) -> u32 {
    let digits: String = name.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// The real path and the major version of the programs in a folder, or the reason why the folder cannot be used.
fn inspect(folder: &Path, run_as: &RunAs) -> Result<(PathBuf, u32), String> {
    for program in ["postgres", "initdb"] {
        if !folder.join(program).is_file() {
            return Err(format!("no `{program}` there"));
        }
    }
    let folder = folder.canonicalize().map_err(|error| error.to_string())?;
    for program in ["postgres", "initdb"] {
        check_owner(&folder.join(program), run_as).map_err(|error| error.to_string())?;
    }
    // As the user of the server: root runs no program that another user can run.
    let output = run_as.command(folder.join("postgres")).arg("--version").stdout(Stdio::piped()).output();
    let output = output.map_err(|error| format!("`postgres --version` does not run: {error}"))?;
    let version = parse_version(&String::from_utf8_lossy(&output.stdout));
    version.map(|version| (folder, version)).ok_or_else(|| "`postgres --version` prints no version".to_owned())
}

/// Root runs no program that an ordinary user could have put there. Other users choose their programs themselves, even
/// from an owner who installs for all users, as Homebrew does.
fn check_owner(program: &Path, run_as: &RunAs) -> io::Result<()> {
    if current_uid() != ROOT {
        return Ok(());
    }
    for path in [program, program.parent().unwrap_or(program)] {
        ownership::check_path(path, &[run_as.uid])?;
    }
    Ok(())
}

/// `postgres (PostgreSQL) 15.18 (Debian …)`, `… 17beta1`, `… 19devel`.
fn parse_version(text: &str) -> Option<u32> {
    let number = text.split("(PostgreSQL)").nth(1)?;
    Some(version_in_name(number)).filter(|version| *version > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_read_from_every_kind_of_release() {
        assert_eq!(parse_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(parse_version("postgres (PostgreSQL) 17beta1"), Some(17));
        assert_eq!(parse_version("postgres (PostgreSQL) 19devel"), Some(19));
        assert_eq!(parse_version("mysqld 8"), None);
        assert_eq!(parse_version(""), None);
    }

    #[test]
    fn newest_version_comes_first_by_number() {
        let parent = tempfile::tempdir().expect("temporary folder");
        for name in ["postgresql@9", "postgresql@17", "postgresql", "other@18"] {
            let bin = parent.path().join(name).join("bin");
            fs::create_dir_all(&bin).expect("folder");
            fs::write(bin.join("postgres"), "").expect("file");
        }
        let found = newest_first(parent.path(), "postgresql");
        let expected = ["postgresql@17", "postgresql@9", "postgresql"].map(|name| parent.path().join(name).join("bin"));
        assert_eq!(found, expected);
    }

    #[test]
    fn named_folder_must_hold_both_programs() {
        let folder = tempfile::tempdir().expect("temporary folder");
        fs::write(folder.path().join("postgres"), "").expect("file");
        let run_as = RunAs::choose(current_uid(), folder.path()).expect("a user");
        let error = find(Some(folder.path()), None, Path::new("cluster"), &run_as).expect_err("no initdb there");
        assert!(error.to_string().contains("no `initdb` there"), "{error}");
        assert!(error.to_string().contains("UNIBOOKS_POSTGRES_BIN"), "{error}");
    }
}
