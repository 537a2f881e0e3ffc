//! Signals to other processes.

use std::process::Command;

/// Sends a signal, for example `TERM`, to processes: their ids, with spaces between.
///
/// # Panics
/// When one of them is not there.
pub fn signal(name: &str, pids: &str) {
    // The shell's own `kill`: a slim system has no other.
    let kill = format!("kill -{name} {pids}");
    assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success(), "{kill}");
}
