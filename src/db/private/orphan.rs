//! A Postgres whose owner was killed, still shutting down when the next owner starts.

use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{error::PrivatePostgresError, site::Site, supervised::POLL};

/// How long an orphan may take to end.
const LIMIT: Duration = Duration::from_secs(10);

/// Interrupts the Postgres that runs on the cluster, if there is one, and waits for its end. It has no owner, because
/// we hold the lock of the data folder.
pub(super) async fn end(site: &Site) -> Result<(), PrivatePostgresError> {
    let Some(pid) = find(&site.cluster) else { return Ok(()) };
    tracing::info!(pid, "waiting for the Postgres of a killed unibooks to end");
    let kill = site.run_as.command("/bin/sh").args(["-c", "kill -INT \"$1\"", "sh", &pid.to_string()]).status();
    kill.map_err(PrivatePostgresError::io("run", "/bin/sh"))?;
    let started = Instant::now();
    while find(&site.cluster).is_some() {
        if started.elapsed() > LIMIT {
            return Err(PrivatePostgresError::StillRunning { folder: site.data_dir.clone(), seconds: LIMIT.as_secs() });
        }
        sleep(POLL).await;
    }
    Ok(())
}

/// The process that the cluster's `postmaster.pid` names, if it is a Postgres on this cluster. After a power cut the
/// file names a process that is gone, or an unrelated one; Postgres itself handles such a file.
pub(super) fn find(cluster: &Path) -> Option<u32> {
    let text = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    let pid = text.lines().next()?.trim().parse().ok()?;
    runs_on(pid, cluster).then_some(pid)
}

/// Whether a process was started as `postgres … -D <cluster> …`.
fn runs_on(pid: u32, cluster: &Path) -> bool {
    let cluster = cluster.as_os_str().as_bytes();
    // Linux: every argument ends with a zero byte. Every user may read this file, unlike the link to the working
    // folder.
    if Path::new("/proc/self/cmdline").exists() {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let args: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
        return args.windows(2).any(|pair| pair == [b"-D".as_slice(), cluster]);
    }
    let Ok(output) = Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output() else { return false };
    let wanted = [b" -D ", cluster, b" "].concat();
    output.stdout.windows(wanted.len()).any(|part| part == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn process_of_another_program_is_not_taken_for_ours() {
        let cluster = tempfile::tempdir().expect("temporary folder");
        assert_eq!(find(cluster.path()), None, "no file");
        let pid = std::process::id();
        fs::write(cluster.path().join("postmaster.pid"), format!("{pid}\n/some/where\n")).expect("file");
        assert_eq!(find(cluster.path()), None, "this test is no Postgres");
        fs::write(cluster.path().join("postmaster.pid"), "").expect("file");
        assert_eq!(find(cluster.path()), None, "empty file");
    }
}
