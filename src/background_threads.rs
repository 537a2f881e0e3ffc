//! Threads for the work that the server does by itself.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::pressure::Pressure;

/// How much lower their priority is: `nice(2)`. Beside a busy thread of another priority such a thread gets about a tenth
/// of a core, so the work never stops.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Threads at a lower priority than those that answer calls. Where processor time is short, calls come first.
///
/// Only Linux has a priority for each thread. Elsewhere these are threads like all others.
#[derive(Debug)]
pub struct BackgroundThreads {
    handle: Handle,
    pressure: Pressure,
    /// None once they are ended.
    runtime: Option<Runtime>,
}

impl BackgroundThreads {
    /// Starts a thread for each core. All threads that the process has before count as those that answer calls.
    ///
    /// # Errors
    /// When the operating system refuses threads.
    pub fn start() -> io::Result<Self> {
        let pressure = Pressure::on_threads_so_far();
        let mut threads = Builder::new_multi_thread();
        threads.thread_name("background").enable_all();
        #[cfg(target_os = "linux")]
        threads.on_thread_start(|| {
            if let Err(error) = rustix::process::nice(NICE) {
                tracing::debug!(%error, "a background thread keeps its priority");
            }
        });
        let runtime = threads.build()?;
        Ok(Self { handle: runtime.handle().clone(), pressure, runtime: Some(runtime) })
    }

    /// Spawns tasks on these threads.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The pressure on the threads that answer calls.
    #[must_use]
    pub fn pressure_on_calls(&self) -> Pressure {
        self.pressure.clone()
    }
}

impl Drop for BackgroundThreads {
    /// Ends them without waiting. A runtime must not wait for another one.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
