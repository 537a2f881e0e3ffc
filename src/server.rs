//! Starts, serves and stops.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::accounting::payments::GroupCommit;
use crate::auth::{Authenticator, Throttle};
use crate::config::ServerSettings;
use crate::db::Database;
use crate::domain::Clock;
use crate::http::admission::LoadShed;
use crate::http::middleware::metrics;
use crate::http::server::client_address::TrustedProxies;
use crate::http::server::listener::{self, Capacity, REJECT_RESERVE};
use crate::http::server::open_files;
use crate::http::server::timeouts::Timeouts;
use crate::router;
use crate::state::AppState;
use crate::telemetry;

/// How often uses of keys and connections are written down.
const FLUSH_EVERY: Duration = Duration::from_mins(1);

/// The connections of the metrics listener: enough for some collectors, and few of the open files that the API needs.
/// It has no reserve, since nothing there is answered 503.
const FOR_METRICS: Capacity = Capacity { most: 64, reserve: 0 };

/// A server that holds its ports but does not answer yet.
#[derive(Debug)]
pub struct Server {
    api: TcpListener,
    metrics: TcpListener,
    settings: ServerSettings,
}

impl Server {
    /// Takes the ports, so that a taken one is noticed before anything else is done.
    ///
    /// # Errors
    /// One line that names the setting to change.
    pub async fn bind(settings: ServerSettings) -> anyhow::Result<Self> {
        // Beside the connections: those of the database, logs, listeners.
        open_files::allow(u64::from(settings.max_connections) + (REJECT_RESERVE + FOR_METRICS.most) as u64 + 1_100);
        let api = listen(settings.listen, "--listen", "UNIBOOKS_LISTEN").await?;
        let metrics = listen(settings.metrics_listen, "--metrics-listen", "UNIBOOKS_METRICS_LISTEN").await?;
        Ok(Self { api, metrics, settings })
    }

    /// Where the API listens.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.api.local_addr()
    }

    /// Serves until a signal; then stops accepting, finishes what is in flight, writes down what is still in memory
    /// and closes the pool. A second signal ends the process at once.
    ///
    /// # Errors
    /// When metrics cannot be recorded or signals not be received.
    pub async fn run(self, database: Database) -> anyhow::Result<()> {
        let Self { api, metrics: metrics_listener, settings } = self;
        let clock = Clock::system();
        let (requests, failures) = (settings.rate_limit.0, settings.failed_auth_limit.0);
        let throttle = Throttle::new(requests, failures, settings.trusted_proxies.clone(), &clock);
        let authenticator = Authenticator::new(database.clone(), clock.clone()).with_throttle(throttle);
        let payments = GroupCommit::start(database.writers(), database.statement_timeout(), &clock);
        let limits = settings.limits();
        let load = LoadShed::new(settings.max_requests as usize);
        let state = AppState { authenticator: authenticator.clone(), payments: payments.clone(), limits, load };
        let request_timeout = Duration::from_secs(settings.request_timeout);
        let app = router::router(state, request_timeout, &settings.cors_origins.0, &settings.public_url);

        let recorder = metrics::install()?;
        let upkeep = tokio::spawn(metrics::run_upkeep(recorder.clone()));
        let queue = payments.clone();
        let metrics_router = metrics::router(recorder, move || queue.occupied());
        // A head may take as long as a body.
        let timeouts = Timeouts { head: limits.body_timeout, idle: Duration::from_secs(settings.keep_alive_timeout) };
        let until_the_end = std::future::pending::<()>();
        let scraped = tokio::spawn(listener::serve(
            metrics_listener,
            metrics_router,
            FOR_METRICS,
            timeouts,
            TrustedProxies::default(),
            until_the_end,
        ));
        let flushing = tokio::spawn(flush_regularly(authenticator.clone()));
        let following = tokio::spawn(authenticator.clone().follow_revocations());

        // Before anybody is told that the server listens: whoever reads that may send a signal at once.
        let stops = ShutdownSignals::listen()?;
        tracing::info!(address = %api.local_addr()?, "listening");
        let (stop, stopping) = oneshot::channel();
        let capacity = Capacity { most: settings.max_connections as usize, reserve: REJECT_RESERVE };
        let serving = listener::serve(api, app, capacity, timeouts, settings.trusted_proxies.clone(), stopping);
        serve_until_signal(serving, stop, stops, Duration::from_secs(settings.shutdown_timeout)).await?;

        // What was let in is committed, also where the client was cut off.
        payments.close().await;
        for task in [upkeep, scraped, flushing, following] {
            task.abort();
        }
        if let Err(error) = authenticator.flush_last_used().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "last uses were not written");
        }
        database.close().await;
        tracing::info!("stopped");
        Ok(())
    }
}

async fn listen(address: SocketAddr, flag: &str, variable: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            anyhow::anyhow!("{address} is taken by another program; choose another port with {flag} or {variable}")
        }
        _ => anyhow::anyhow!("cannot listen on {address}: {error}; choose another with {flag} or {variable}"),
    })
}

async fn serve_until_signal(
    serving: impl Future<Output = ()> + Send + 'static,
    stop: oneshot::Sender<()>,
    mut stops: ShutdownSignals,
    grace: Duration,
) -> anyhow::Result<()> {
    let serving = tokio::spawn(serving);

    stops.next().await;
    tracing::info!("stopping: no new connections; a second signal ends at once");
    stop.send(()).ok();
    tokio::select! {
        served = serving => served.context("the server panicked")?,
        () = tokio::time::sleep(grace) => tracing::warn!("requests in flight took too long and were cut off"),
        () = stops.next() => {
            tracing::warn!("second signal: ended at once");
            telemetry::flush();
            std::process::exit(130);
        }
    }
    Ok(())
}

/// SIGTERM and SIGINT.
struct ShutdownSignals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl ShutdownSignals {
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

async fn flush_regularly(authenticator: Authenticator) {
    let mut every = tokio::time::interval(FLUSH_EVERY);
    every.tick().await;
    loop {
        every.tick().await;
        if let Err(error) = authenticator.flush_last_used().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "last uses are written later");
        }
    }
}
