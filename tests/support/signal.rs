//! Signals to other processes.

use std::process::Command;

/// Sends a signal, for example `TERM`, to processes: their ids, with spaces between.
///
/// # Panics
/// If one of the processes does not exist.
pub fn signal(name: &str, pids: &str) {
    // The shell's built-in `kill`, because a slim system has no program of that name.
    let kill = format!("kill -{name} {pids}");
    assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success(), "{kill}");
}
