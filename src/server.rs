//! The server with its sockets: takes the ports, serves, stops.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::app::App;
use crate::auth::Authenticator;
use crate::background_threads::BackgroundThreads;
use crate::config::ServerSettings;
use crate::db::{Database, Listener, PoolerMode, follow_notifications};
use crate::domain::Clock;
use crate::http::middleware::metrics;
use crate::http::server::client_address::TrustedProxies;
use crate::http::server::listener::{self, Capacity, REJECT_RESERVE};
use crate::http::server::open_files;
use crate::http::server::timeouts::Timeouts;
use crate::lifecycle::{Lifecycle, Stop};
use crate::outgoing::Client;
use crate::sync;
use crate::webhooks::delivery;

/// How often last uses of API keys and connections are written.
const FLUSH_INTERVAL: Duration = Duration::from_mins(1);

/// The clients of the metrics listener: enough for some collectors, and few of the open files that the API needs.
/// It has no reserve, since nothing there is answered 503.
const FOR_METRICS: Capacity = Capacity { limit: 64, reserve: 0 };

/// Open files beside those of clients: sessions of Postgres, logs, listeners.
const OTHER_FILES: u64 = 1_100;

/// A server that holds its ports but does not answer yet.
#[derive(Debug)]
pub struct Server {
    api: TcpListener,
    metrics: TcpListener,
    settings: ServerSettings,
}

impl Server {
    /// Takes the ports first: a port that is in use should stop the start before anything else is done.
    ///
    /// # Errors
    /// One line that names the setting to change.
    pub fn bind(settings: ServerSettings) -> anyhow::Result<Self> {
        let reserved = (REJECT_RESERVE + FOR_METRICS.limit) as u64;
        open_files::raise_limit(u64::from(settings.max_client_connections) + reserved + OTHER_FILES);
        let api = listen(settings.listen, "--listen", "UNIBOOKS_LISTEN")?;
        let metrics = listen(settings.metrics_listen, "--metrics-listen", "UNIBOOKS_METRICS_LISTEN")?;
        Ok(Self { api, metrics, settings })
    }

    /// Where the API listens.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.api.local_addr()
    }

    /// Serves until a signal, then stops as [`Lifecycle`] says. Closes the pools last.
    ///
    /// # Errors
    /// When metrics cannot be recorded or signals not be received, or when a task fails.
    pub async fn run(self, database: Database, remote: sync::Settings, webhooks: Client) -> anyhow::Result<()> {
        let Self { api, metrics: metrics_listener, settings } = self;
        // First, so that every part can describe its metrics.
        let recorder = metrics::install()?;
        let clock = Clock::system();
        let app = App::new(&settings, &database, &clock, remote, webhooks);
        let App {
            router,
            authenticator,
            payments,
            calls,
            remote_writes,
            pulls,
            deliveries,
            streams,
            changes,
            retention,
        } = app;
        // A head may take as long as a body.
        let timeouts =
            Timeouts { head: settings.limits().body_timeout, idle: Duration::from_secs(settings.keep_alive_timeout) };

        // Their sessions are closed with the database, so they end after it.
        let threads = BackgroundThreads::start()?;
        let shutdown_timeout = Duration::from_secs(settings.shutdown_timeout);
        let mut lifecycle = Lifecycle::new(shutdown_timeout, threads.handle().clone())?;
        let queue = payments.clone();
        let metrics_router = metrics::router(recorder.clone(), move || queue.record_occupied());
        lifecycle.background("metrics listener", |stop| {
            let proxies = TrustedProxies::default();
            listener::serve(metrics_listener, metrics_router, FOR_METRICS, timeouts, proxies, stop.requested())
        });
        lifecycle.background("metrics upkeep", |stop| until(stop, metrics::run_upkeep(recorder)));
        lifecycle.background("payment writers", |stop| async move {
            stop.requested().await;
            // What was accepted is written, also for a client that is gone.
            payments.close().await;
        });
        let counted = sync::record_open_writes(remote_writes.clone());
        lifecycle.background("remote write metrics", |stop| until(stop, counted));
        lifecycle.background("remote writes", |stop| remote_writes.run(stop.requested()));
        lifecycle.background_at_low_priority("pulls", |stop| pulls.run(stop.requested()));
        lifecycle.background_at_low_priority("retention", |stop| until(stop, retention.run()));
        let counted = delivery::record_pending(deliveries.worker().clone(), clock);
        lifecycle.background_at_low_priority("webhook metrics", |stop| until(stop, counted));
        let deliveries = deliveries.giving_way(threads.pressure_on_calls());
        lifecycle.background_at_low_priority("webhook deliveries", |stop| deliveries.run(stop.requested()));
        lifecycle.background_at_low_priority("event streams", |stop| streams.clone().run(stop.requested()));
        lifecycle.background("last uses", |stop| flush_last_used(stop, authenticator.clone()));
        lifecycle.background("shards", |stop| until(stop, database.clone().follow_shards()));
        // Through a pooler in transaction mode nothing can be listened to.
        if database.pooling() == PoolerMode::Session {
            let listeners: Vec<Box<dyn Listener>> = vec![Box::new(authenticator.revocations()), Box::new(changes)];
            lifecycle
                .background("notifications", |stop| until(stop, follow_notifications(database.clone(), listeners)));
        }

        // A program that reads this line may send a signal at once: the lifecycle listens already.
        tracing::info!(address = %api.local_addr()?, "listening");
        let capacity = Capacity { limit: settings.max_client_connections as usize, reserve: REJECT_RESERVE };
        let proxies = settings.trusted_proxies;
        let serve = |stop: Stop| async move {
            let serving = listener::serve(api, router, capacity, timeouts, proxies, stop.clone().requested());
            // What a call would still wait for is done by another server, or after the next start. The reader of a stream
            // goes on there, too.
            let ending = async {
                stop.requested().await;
                calls.end();
                streams.end();
            };
            tokio::join!(serving, ending);
        };
        let stopped = lifecycle.run(serve).await;
        database.close().await;
        drop(threads);
        tracing::info!("stopped");
        stopped
    }
}

fn listen(address: SocketAddr, flag: &str, variable: &str) -> anyhow::Result<TcpListener> {
    listener::bind(address).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            anyhow::anyhow!("{address} is taken by another program; choose another port with {flag} or {variable}")
        }
        _ => anyhow::anyhow!("cannot listen on {address}: {error}; choose another with {flag} or {variable}"),
    })
}

/// Runs a task that has nothing to finish: it is dropped at its soft stop.
async fn until(stop: Stop, task: impl Future<Output = ()>) {
    tokio::select! {
        () = stop.requested() => {}
        () = task => {}
    }
}

/// Writes last uses every minute, and once more at the end.
async fn flush_last_used(stop: Stop, authenticator: Authenticator) {
    let mut interval = tokio::time::interval(FLUSH_INTERVAL);
    interval.tick().await;
    let mut stopping = std::pin::pin!(stop.requested());
    loop {
        let is_last = tokio::select! {
            _ = interval.tick() => false,
            () = &mut stopping => true,
        };
        if let Err(error) = authenticator.flush_last_used().await {
            let error = &error as &dyn std::error::Error;
            let outcome = if is_last { "last uses were not written" } else { "last uses will be written later" };
            tracing::warn!(error, "{outcome}");
        }
        if is_last {
            return;
        }
    }
}
