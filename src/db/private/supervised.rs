//! Runs a child process that never outlives us, even when we are killed.
//!
//! Its parent is a small shell, which reads from a pipe that only we hold open. The pipe closes when we stop the child,
//! are dropped or are killed with `kill -9`; then the shell interrupts the child. (Linux' `PR_SET_PDEATHSIG` would need
//! `unsafe`, and fires already when the thread that started the child ends.)

use std::{
    ffi::OsStr,
    io,
    path::Path,
    process::{Child, ChildStdin, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{error::PrivatePostgresError, log::Log, user::RunAs};

/// The interval at which we poll for a child's end. Polling makes us independent of the runtime that started the child:
/// in tests it ends before the child.
pub(super) const POLL: Duration = Duration::from_millis(10);

/// The shell. It ignores signals itself, so that a signal to the whole group or service does not end the supervision.
///
/// The interrupt is repeated, because the child ignores it until it has set its own handler; Postgres and `initdb`
/// ignore a second one. A Postgres that is interrupted during crash recovery may wait for itself for ever (seen with
/// version 15). So after some time it gets a SIGQUIT, which loses nothing: it recovers at its next start.
///
/// The shell is the child's parent, and stops repeating as soon as the child is reaped. So the pid cannot belong to
/// another process yet. The shell ends last: after it, nothing of ours runs.
const SHELL: &str = r#"
trap '' HUP INT TERM
exec 3<&0
interrupts=$1
shift
"$@" </dev/null 3<&- &
child=$!
{
    read -r _
    while [ "$interrupts" -gt 0 ] && kill -INT "$child"; do
        interrupts=$((interrupts - 1))
        sleep 0.1
    done
    while kill -QUIT "$child"; do sleep 0.1; done
} <&3 >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$child"
status=$?
{
    kill -KILL "$watcher"
    wait "$watcher"
} 2>/dev/null
exit "$status"
"#;

/// How often a child is interrupted, ten times a second, before it gets a SIGQUIT.
const INTERRUPTS: u32 = 300;

/// A child of the shell. A drop stops the child and does not wait for its end.
#[derive(Debug)]
pub(super) struct Supervised {
    shell: Child,
    pipe: ChildStdin,
}

impl Supervised {
    /// Starts a program, whose output goes to the log.
    pub(super) fn start<I: AsRef<OsStr>>(
        program: &Path,
        args: impl IntoIterator<Item = I>,
        run_as: &RunAs,
        log: &Log,
    ) -> Result<Self, PrivatePostgresError> {
        Self::start_with(INTERRUPTS, program, args, run_as, log)
    }

    fn start_with<I: AsRef<OsStr>>(
        interrupts: u32,
        program: &Path,
        args: impl IntoIterator<Item = I>,
        run_as: &RunAs,
        log: &Log,
    ) -> Result<Self, PrivatePostgresError> {
        let output = log.writer()?;
        let errors = output.try_clone().map_err(PrivatePostgresError::io("write", &log.path))?;
        let mut command = run_as.command("/bin/sh");
        command.args(["-c", SHELL, "unibooks-supervisor", &interrupts.to_string()]).arg(program).args(args);
        command.stdin(Stdio::piped()).stdout(output).stderr(errors);
        let started = command.spawn().and_then(|mut shell| {
            let pipe = shell.stdin.take().ok_or_else(|| io::Error::other("no pipe to the shell"))?;
            Ok(Self { shell, pipe })
        });
        started.map_err(PrivatePostgresError::io("run", program))
    }

    /// The exit status of the child, or `None` while it runs.
    pub(super) fn exit_status(&mut self) -> Result<Option<ExitStatus>, PrivatePostgresError> {
        self.shell.try_wait().map_err(PrivatePostgresError::io("wait for", "the child process"))
    }

    /// Waits for the end of a child that ends by itself.
    pub(super) async fn finished(mut self) -> Result<ExitStatus, PrivatePostgresError> {
        loop {
            if let Some(status) = self.exit_status()? {
                return Ok(status);
            }
            sleep(POLL).await;
        }
    }

    /// Interrupts the child and waits for its end; `false` when it still runs after `limit`.
    pub(super) async fn stop(self, limit: Duration) -> Result<bool, PrivatePostgresError> {
        let Self { mut shell, pipe } = self;
        drop(pipe);
        let started = Instant::now();
        while started.elapsed() < limit {
            if shell.try_wait().map_err(PrivatePostgresError::io("wait for", "the child process"))?.is_some() {
                return Ok(true);
            }
            sleep(POLL).await;
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ownership::current_uid;

    /// Prints that it is ready, ignores SIGINT and ends at SIGQUIT. (No shell can do this: its background processes
    /// start with both signals ignored, which a shell cannot change.)
    const STUBBORN: &str = "$SIG{INT} = 'IGNORE'; $SIG{QUIT} = 'DEFAULT'; $| = 1; print 'ready'; sleep 1 while 1";

    #[tokio::test]
    async fn child_that_ignores_interrupts_is_ended_by_sigquit() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let run_as = RunAs::choose(current_uid(), folder.path()).expect("a user");
        let log = Log::open(&folder.path().join("log")).expect("a log");
        let child = Supervised::start_with(2, Path::new("perl"), ["-e", STUBBORN], &run_as, &log).expect("started");
        while !std::fs::read_to_string(&log.path).expect("a log").contains("ready") {
            sleep(POLL).await;
        }
        assert!(child.stop(Duration::from_mins(1)).await.expect("asked"), "the child has ended");
    }
}
