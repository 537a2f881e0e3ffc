//! Builds the server from its settings: the only wiring. `serve`, `dev` and the tests call it.

use std::sync::Arc;

use axum::Router;

use crate::accounting::payments::GroupCommit;
use crate::accounting::payments::software::Calls;
use crate::auth::{Authenticator, Throttle, Worker};
use crate::config::ServerSettings;
use crate::db::{Database, WriterPool};
use crate::domain::Clock;
use crate::events::Changes;
use crate::http::admission::LoadShed;
use crate::outgoing::Client;
use crate::router;
use crate::state::Parts;
use crate::sync::pull::Pulls;
use crate::sync::{self, RemoteWrites};
use crate::webhooks::Retention;
use crate::webhooks::delivery::Deliveries;
use crate::webhooks::endpoints::Endpoints;
use crate::webhooks::stream::Streams;

/// The server without its sockets.
#[derive(Debug, Clone)]
pub struct App {
    /// Every route with all layers.
    pub router: Router,
    /// Recognizes callers.
    pub authenticator: Authenticator,
    /// Writes new payments.
    pub payments: GroupCommit,
    /// Create calls that wait for accounting software.
    pub calls: Calls,
    /// Writes payments into accounting software, once it runs.
    pub remote_writes: RemoteWrites,
    /// Reads accounting software, once it runs.
    pub pulls: Pulls,
    /// Delivers events to webhook endpoints, once it runs.
    pub deliveries: Deliveries,
    /// Streams events to clients, once it runs.
    pub streams: Streams,
    /// Which projects have changed.
    pub changes: Changes,
    /// Removes old events and old calls of endpoints, once it runs.
    pub retention: Retention,
}

impl App {
    /// Builds the server on `database`; `webhooks` calls endpoints. Must be called in a Tokio runtime.
    #[must_use]
    pub fn new(
        settings: &ServerSettings,
        database: &Database,
        clock: &Clock,
        remote: sync::Settings,
        webhooks: Client,
    ) -> Self {
        let ServerSettings { rate_limit, failed_auth_limit, trusted_proxies, .. } = settings;
        let throttle = Throttle::new(rate_limit.0, failed_auth_limit.0, trusted_proxies.clone(), clock);
        let authenticator = Authenticator::with_throttle(database.clone(), clock.clone(), throttle);
        let changes = Changes::default();
        let payments = GroupCommit::start(&WriterPool::new(database), clock, &changes);
        let worker = Worker::from_app(database.clone());
        let background = Worker::from_app(database.in_background());
        let keys = remote.access.keys.clone();
        let endpoints = Endpoints::new(webhooks.clone(), keys.clone(), clock.clone());
        let deliveries = Deliveries::new(background.clone(), webhooks, keys, &changes, clock.clone());
        let streams = Streams::new(background.clone(), &changes, settings.max_streams as usize);
        let retention = Retention::new(background.clone(), clock.clone(), settings.event_retention());
        let pulls = Pulls::new(background.clone(), remote.access.clone(), remote.interval, changes.clone());
        let remote_writes = RemoteWrites::new(worker, remote, changes.clone());
        let calls = Calls::new(Arc::new(remote_writes.clone()), settings.max_waiting_calls as usize);
        let state = Parts {
            authenticator: authenticator.clone(),
            payments: payments.clone(),
            calls: calls.clone(),
            endpoints,
            deliveries: deliveries.clone(),
            streams: streams.clone(),
            limits: settings.limits(),
            load: LoadShed::new(settings.max_requests as usize),
        };
        let router = router::router(state.into(), &settings.layers());
        Self { router, authenticator, payments, calls, remote_writes, pulls, deliveries, streams, changes, retention }
    }
}
