//! Finds other processes and sends them signals. Linux only, because it reads `/proc`.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// Sends a signal; a process that has ended already is fine.
pub fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        kill_process(pid, signal).ok();
    }
}

/// The process id of a cluster's postmaster, if it runs.
pub fn postmaster(cluster: &Path) -> Option<u32> {
    let file = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    let pid = file.lines().next()?.trim().parse().ok()?;
    Path::new(&format!("/proc/{pid}")).exists().then_some(pid)
}

/// The running child processes of a process. They are read from `/proc`, because each backend of Postgres leads a
/// process group of its own.
pub fn children(parent: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("the harness needs Linux").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process that has just ended has no file.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // After the name, which may contain spaces: the state, then the parent.
        let its_parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if its_parent == Some(parent) {
            found.push(pid);
        }
    }
    found
}
