//! Knows every task of the process, and stops them in order.
//!
//! A soft stop lets tasks finish what they have begun; a hard stop drops them. SIGTERM or SIGINT begins a soft stop: first
//! of the main task, which answers clients, then of the background tasks, on which it depends. The shutdown timeout
//! bounds each of the two, and a second signal ends the process at once.
//!
//! A background task that ends by itself or panics would leave a server that only seems to work. It ends the process,
//! softly and with an error.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use anyhow::anyhow;
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};

use crate::telemetry;

/// The exit code after a second signal: that of a shell for SIGINT.
const INTERRUPTED: i32 = 130;

/// Waits for a soft stop. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Returns when the task is to finish.
    pub async fn requested(mut self) {
        // An error means that the lifecycle is gone, and with it the process.
        self.0.wait_for(|is_requested| *is_requested).await.ok();
    }
}

/// The tasks of the process.
#[derive(Debug)]
pub struct Lifecycle {
    signals: Signals,
    shutdown_timeout: Duration,
    background: JoinSet<()>,
    low_priority: Handle,
    names: HashMap<Id, &'static str>,
    stop: watch::Sender<bool>,
}

impl Lifecycle {
    /// Begins to listen for signals. `low_priority` are the threads of work that no client waits for.
    ///
    /// # Errors
    /// When signals cannot be received.
    pub fn new(shutdown_timeout: Duration, low_priority: Handle) -> io::Result<Self> {
        Ok(Self {
            signals: Signals::listen()?,
            shutdown_timeout,
            background: JoinSet::new(),
            low_priority,
            names: HashMap::new(),
            stop: watch::Sender::new(false),
        })
    }

    /// Starts a task that runs until the main task has ended. It must not end before its soft stop.
    pub fn background<F>(&mut self, name: &'static str, task: impl FnOnce(Stop) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let handle = self.background.spawn(task(Stop(self.stop.subscribe())));
        self.names.insert(handle.id(), name);
    }

    /// Starts such a task on threads of a lower priority: clients do not wait for what it does.
    pub fn background_at_low_priority<F>(&mut self, name: &'static str, task: impl FnOnce(Stop) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let task = task(Stop(self.stop.subscribe()));
        let handle = self.background.spawn_on(task, &self.low_priority);
        self.names.insert(handle.id(), name);
    }

    /// Runs the main task until a signal, then stops all tasks.
    ///
    /// # Errors
    /// When a task ended by itself or panicked.
    pub async fn run<F>(mut self, main: impl FnOnce(Stop) -> F) -> anyhow::Result<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop_main = watch::Sender::new(false);
        let mut main_task = JoinSet::new();
        main_task.spawn(main(Stop(stop_main.subscribe())));
        let mut failure = tokio::select! {
            () = self.signals.next() => None,
            Some(ended) = self.background.join_next_with_id() => Some(self.failure(ended)),
            Some(ended) = main_task.join_next() => Some(main_failure(ended)),
        };
        if let Some(error) = &failure {
            tracing::error!(error = format!("{error:#}"), "a task has ended: the server stops");
        }
        tracing::info!("stopping: no new client connections; a second signal ends at once");

        stop_main.send_replace(true);
        let cut_off = "requests in flight took too long and were cut off";
        if let Err(error) = self.finish(&mut main_task, cut_off).await {
            failure = failure.or(Some(main_failure(Err(error))));
        }
        self.stop.send_replace(true);
        let mut background = std::mem::take(&mut self.background);
        if let Err(error) = self.finish(&mut background, "background tasks took too long and were cut off").await {
            failure = failure.or(Some(self.failure(Err(error))));
        }
        failure.map_or(Ok(()), Err)
    }

    /// Waits until these tasks have ended, and drops them when they take longer than the shutdown timeout.
    async fn finish(&mut self, tasks: &mut JoinSet<()>, cut_off: &str) -> Result<(), JoinError> {
        tokio::select! {
            ended = all_ended(tasks) => return ended,
            () = tokio::time::sleep(self.shutdown_timeout) => {
                tracing::warn!("{cut_off}");
                tasks.shutdown().await;
            }
            () = self.signals.next() => end_at_once(),
        }
        Ok(())
    }

    fn failure(&self, ended: Result<(Id, ()), JoinError>) -> anyhow::Error {
        let name = |id| self.names.get(&id).copied().unwrap_or("a task");
        match ended {
            Ok((id, ())) => anyhow!("the task `{}` ended by itself", name(id)),
            Err(error) => anyhow!("the task `{}` failed: {error}", name(error.id())),
        }
    }
}

fn main_failure(ended: Result<(), JoinError>) -> anyhow::Error {
    match ended {
        Ok(()) => anyhow!("the server ended by itself"),
        Err(error) => anyhow!("the server failed: {error}"),
    }
}

/// Waits until all have ended. The error is the first panic; it was logged where it happened.
async fn all_ended(tasks: &mut JoinSet<()>) -> Result<(), JoinError> {
    let mut outcome = Ok(());
    while let Some(ended) = tasks.join_next().await {
        outcome = outcome.and(ended);
    }
    outcome
}

/// A hard stop of everything.
fn end_at_once() -> ! {
    tracing::warn!("second signal: ended at once");
    telemetry::flush();
    std::process::exit(INTERRUPTED);
}

/// SIGTERM and SIGINT.
#[derive(Debug)]
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::sync::oneshot;

    use super::*;

    fn lifecycle() -> Lifecycle {
        Lifecycle::new(Duration::from_mins(1), Handle::current()).expect("signals")
    }

    #[tokio::test]
    async fn task_that_ends_by_itself_stops_the_rest_with_an_error() {
        let mut lifecycle = lifecycle();
        lifecycle.background("writer", async |_| ());
        let error = lifecycle.run(Stop::requested).await.expect_err("the server goes on without a task");
        assert_eq!(error.to_string(), "the task `writer` ended by itself");
    }

    #[tokio::test]
    async fn task_that_panics_stops_the_rest_with_an_error() {
        let mut lifecycle = lifecycle();
        lifecycle.background("writer", async |_| panic!("on purpose"));
        let error = lifecycle.run(Stop::requested).await.expect_err("the server goes on without a task");
        assert!(error.to_string().starts_with("the task `writer` failed"), "{error}");
    }

    #[tokio::test]
    async fn main_task_that_ends_by_itself_is_an_error() {
        for panics in [false, true] {
            let (mut lifecycle, (written, queue)) = (lifecycle(), oneshot::channel());
            lifecycle.background("queue", |stop| async move {
                stop.requested().await;
                written.send(()).expect("the test waits");
            });
            let ended = lifecycle.run(|_| async move { assert!(!panics, "on purpose") });
            assert!(ended.await.is_err());
            assert!(queue.await.is_ok(), "the queue was written nevertheless");
        }
    }

    #[tokio::test]
    async fn background_tasks_finish_after_the_main_task() {
        let (mut lifecycle, order) = (lifecycle(), Arc::new(Mutex::new(Vec::new())));
        let note = |what| {
            let order = Arc::clone(&order);
            move || order.lock().expect("no panic").push(what)
        };
        let (main_ends, queue_is_written) = (note("main"), note("queue"));
        lifecycle.background("trigger", async |_| ());
        lifecycle.background("queue", |stop| async move {
            stop.requested().await;
            tokio::task::yield_now().await;
            queue_is_written();
        });
        let ended = lifecycle.run(|stop| async move {
            stop.requested().await;
            tokio::task::yield_now().await;
            main_ends();
        });
        assert!(ended.await.is_err(), "the trigger ended");
        assert_eq!(*order.lock().expect("no panic"), ["main", "queue"]);
    }

    #[tokio::test]
    async fn hard_stop_drops_what_does_not_finish() {
        let mut lifecycle = Lifecycle::new(Duration::from_millis(1), Handle::current()).expect("signals");
        let ((main_lives, main), (queue_lives, queue)) = (oneshot::channel::<()>(), oneshot::channel::<()>());
        lifecycle.background("trigger", async |_| ());
        lifecycle.background("queue", |_| async move {
            let _lives = queue_lives;
            std::future::pending::<()>().await;
        });
        let ended = lifecycle.run(|_| async move {
            let _lives = main_lives;
            std::future::pending::<()>().await;
        });
        assert!(ended.await.is_err(), "the trigger ended");
        assert!(main.await.is_err() && queue.await.is_err(), "both were dropped");
    }
}
