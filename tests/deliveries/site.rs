//! A server with a clock of the test, and endpoints.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use unibooks::auth::{ProjectScope, Worker};
use unibooks::db::Database;
use unibooks::domain::{Clock, WebhookEndpointId};
use unibooks::events::Changes;
use unibooks::outgoing::{BodyLimit, Client, Networks, Options};
use unibooks::pressure::Pressure;
use unibooks::sealed::SealingKeys;
use unibooks::webhooks::delivery::{self, Deliveries, KEPT};
use unibooks::webhooks::signature::SigningSecret;

use crate::support::app::{App, SEALING_KEYS, Tenant, small_payment};
use crate::support::wait::until;

/// The secret of every endpoint.
pub const SECRET: &str = "whsec_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxrujGA=";

/// How endpoints in these networks are called.
pub fn options(networks: Networks) -> Options {
    Options {
        networks,
        networks_setting: "UNIBOOKS_WEBHOOK_NETWORKS",
        ca_file: None,
        connect_timeout: Duration::from_secs(10),
        answer_limit: BodyLimit::Beginning(KEPT),
        max_idle_per_host: 8,
    }
}

fn keys() -> SealingKeys {
    SEALING_KEYS.parse().expect("keys")
}

/// A server and its tenant.
pub struct Site {
    pub app: App,
    pub tenant: Tenant,
    pub changes: Changes,
    clock: Clock,
    /// How far the clock was moved, in seconds.
    moved: Arc<AtomicI64>,
}

/// Deliveries that run, until they are stopped or dropped.
pub struct Running {
    pub deliveries: Deliveries,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    fn begin(deliveries: Deliveries) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(deliveries.clone().run(async {
            let _ = stopped.await;
        }));
        Self { deliveries, stop: Some(stop), task }
    }

    /// Begins a soft stop.
    pub fn begin_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Stops them softly.
    pub async fn stop(mut self) {
        self.begin_stop();
        (&mut self.task).await.expect("no panic");
    }

    /// Ends them where they are, as a killed server does.
    pub async fn kill(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Site {
    pub async fn new() -> Self {
        let moved = Arc::new(AtomicI64::new(0));
        let own = Arc::clone(&moved);
        let clock = Clock::new(move || Clock::system().now() + TimeDelta::seconds(own.load(Ordering::SeqCst)));
        let app = App::new().await;
        let changes = app.changes.clone();
        let tenant = app.tenant().await;
        app.forget_events().await;
        Self { app, tenant, changes, clock, moved }
    }

    /// Moves the clock on.
    pub fn pass(&self, time: Duration) {
        self.moved.fetch_add(i64::try_from(time.as_secs()).expect("small"), Ordering::SeqCst);
    }

    /// Turns the clock back: a server goes on whose clock is behind.
    pub fn turn_back(&self, time: Duration) {
        self.moved.fetch_sub(i64::try_from(time.as_secs()).expect("small"), Ordering::SeqCst);
    }

    /// Begins the deliveries of this server, which may call this machine.
    pub fn deliver(&self) -> Running {
        self.deliver_from(&self.app.database, Networks::loopback())
    }

    /// Begins the deliveries of a server with these sessions, which may call these networks.
    pub fn deliver_from(&self, database: &Database, networks: Networks) -> Running {
        Running::begin(self.deliveries(database, Client::new(&options(networks)).expect("a client")))
    }

    /// Begins the deliveries of this server, which this client makes.
    pub fn deliver_by(&self, client: Client) -> Running {
        Running::begin(self.deliveries(&self.app.database, client))
    }

    /// Begins the deliveries of a server whose calls feel this pressure.
    pub fn deliver_under(&self, pressure: Pressure) -> Running {
        let client = Client::new(&options(Networks::loopback())).expect("a client");
        Running::begin(self.deliveries(&self.app.database, client).giving_way(pressure))
    }

    fn deliveries(&self, database: &Database, client: Client) -> Deliveries {
        let worker = Worker::from_app(database.clone());
        Deliveries::new(worker, client, Some(keys()), &self.changes, self.clock.clone())
    }

    /// The rows of the project.
    pub fn scope(&self) -> ProjectScope {
        self.worker().project(self.tenant.project_id)
    }

    /// An endpoint that gets every event of the project from now on.
    pub async fn endpoint(&self, url: &str) -> WebhookEndpointId {
        self.endpoint_for(url, "*").await
    }

    /// An endpoint that gets the events with such names.
    pub async fn endpoint_for(&self, url: &str, pattern: &str) -> WebhookEndpointId {
        self.endpoint_like(url, pattern, "standard").await
    }

    /// An endpoint whose bodies have such a form.
    pub async fn endpoint_like(&self, url: &str, pattern: &str, format: &str) -> WebhookEndpointId {
        let id = WebhookEndpointId::new(self.clock.now());
        sqlx::query(
            "insert into webhook_endpoint (project_id, id, url, event_types, payload_format, signature_scheme, secret,
                                           created_at, modified_at)
             values ($1, $2, $3, array[$4], $6, 'v1', $7, $5, $5)",
        )
        .bind(self.tenant.project_id.0)
        .bind(id.0)
        .bind(url)
        .bind(pattern)
        .bind(self.clock.now())
        .bind(format)
        .bind(keys().seal(SECRET.parse::<SigningSecret>().expect("a secret").text(), id.0.as_bytes()))
        .execute(&mut self.app.connect().await)
        .await
        .expect("inserted");
        let mut transaction = self.scope().transaction().await.expect("begun");
        delivery::begin(&mut transaction, id, self.clock.now()).await.expect("begun");
        transaction.commit().await.expect("committed");
        id
    }

    pub fn worker(&self) -> Worker {
        Worker::from_app(self.app.database.clone())
    }

    /// Creates payments of a connection, and returns their ids in the order in which they were committed.
    pub async fn pay(&self, tenant: &Tenant, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for _ in 0..count {
            let created = self.app.create(tenant, &small_payment()).await;
            let id = created.json()["id"].as_str().unwrap_or_else(|| panic!("{}", created.text)).to_owned();
            ids.push(id);
        }
        ids
    }

    /// Rows of a query that has the endpoint's project and id as parameters.
    pub async fn rows(&self, query: &'static str, endpoint: WebhookEndpointId) -> Vec<PgRow> {
        let query = sqlx::query(query).bind(self.tenant.project_id.0).bind(endpoint.0);
        query.fetch_all(&mut self.app.connect().await).await.expect("rows")
    }

    /// How many events wait to be sent by themselves.
    pub async fn open_retries(&self, endpoint: WebhookEndpointId) -> usize {
        self.rows("select from webhook_retry where project_id = $1 and endpoint_id = $2", endpoint).await.len()
    }

    /// What became of the calls of an endpoint, in their order: the status or the error.
    pub async fn outcomes(&self, endpoint: WebhookEndpointId) -> Vec<String> {
        let query = "select coalesce(status::text, error) from webhook_attempt
                     where project_id = $1 and endpoint_id = $2 order by id";
        self.rows(query, endpoint).await.iter().map(|row| row.get(0)).collect()
    }

    /// Why an endpoint is disabled.
    pub async fn disabled(&self, endpoint: WebhookEndpointId) -> Option<String> {
        let query = "select disabled_reason from webhook_endpoint where project_id = $1 and id = $2";
        self.rows(query, endpoint).await[0].get(0)
    }

    /// Disables an endpoint, as a person does.
    pub async fn pause(&self, endpoint: WebhookEndpointId) {
        let query = "update webhook_endpoint set disabled_reason = 'paused', disabled_at = now()
                     where project_id = $1 and id = $2";
        self.rows(query, endpoint).await;
    }

    /// Makes it active again.
    pub async fn resume(&self, endpoint: WebhookEndpointId) {
        let query = "update webhook_endpoint set disabled_reason = null, disabled_at = null
                     where project_id = $1 and id = $2";
        self.rows(query, endpoint).await;
        let mut transaction = self.scope().transaction().await.expect("begun");
        delivery::begin(&mut transaction, endpoint, self.clock.now()).await.expect("begun");
        transaction.commit().await.expect("committed");
    }

    /// Leases that a killed server held lapse now and not in half a minute.
    pub async fn lapse_leases(&self) {
        sqlx::query("update webhook_delivery set lease_until = now() where lease_id is not null")
            .execute(&mut self.app.connect().await)
            .await
            .expect("lapsed");
    }

    /// The time of the database.
    pub async fn database_now(&self) -> DateTime<Utc> {
        let query = "select clock_timestamp()";
        sqlx::query_scalar(query).fetch_one(&mut self.app.connect().await).await.expect("a time")
    }

    /// Waits until so many calls of an endpoint are stored.
    pub async fn stored(&self, endpoint: WebhookEndpointId, calls: usize) {
        until("calls are stored", async || self.outcomes(endpoint).await.len() >= calls).await;
    }

    /// The time of this server.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}
