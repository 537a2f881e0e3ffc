//! The server without a socket: the real router over a real database.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use chrono::{DateTime, Utc};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tower::ServiceExt;
use unibooks::accounting::payments::GroupCommit;
use unibooks::accounting::payments::software::Calls;
use unibooks::auth::{Authenticator, Operator};
use unibooks::config::{RateLimit, ServerSettings};
use unibooks::db::{Database, Listener, follow_notifications};
use unibooks::domain::{ApiKeyId, ApiKeyScopes, Clock, ConnectionId, DisplayName, ProjectId};
use unibooks::events::Changes;
use unibooks::management::api_keys::{self, NewApiKey};
use unibooks::management::connections::{self, Access, NewConnection};
use unibooks::management::projects;
use unibooks::outgoing::{self, BodyLimit, Networks};
use unibooks::sync::{self, RemoteWrites};
use unibooks::webhooks::stream::Streams;

use super::postgres;
use super::wait::until;

/// The path of the collection of payments.
pub const PAYMENTS: &str = "/accounting/payments";

/// The documented example of a payment, as a request body.
pub fn page_example() -> Value {
    serde_json::from_str(include_str!("../../src/cli/demo_payment.json")).expect("JSON")
}

/// A server on a database of its own. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub router: Router,
    pub authenticator: Authenticator,
    pub payments: GroupCommit,
    pub calls: Calls,
    pub changes: Changes,
    /// Gets no new events before a test runs it.
    pub streams: Streams,
    /// Writes nothing before a test runs it.
    pub remote_writes: RemoteWrites,
    pub database: Database,
    /// How to connect to the server's database.
    pub options: PgConnectOptions,
}

/// The default settings without rate limits.
pub fn unlimited() -> ServerSettings {
    let off = RateLimit(None);
    ServerSettings { rate_limit: off, failed_auth_limit: off, ..ServerSettings::default() }
}

/// The way to accounting software on this machine, with the keys of [`SEALING_KEYS`].
pub fn remote() -> sync::Settings {
    let options = outgoing::Options {
        networks: Networks::loopback(),
        ca_file: None,
        connect_timeout: Duration::from_secs(10),
        networks_setting: "UNIBOOKS_CONNECTOR_NETWORKS",
        answer_limit: BodyLimit::Whole(16 * 1_024 * 1_024),
        max_idle_per_host: 4,
    };
    let client = outgoing::Client::new(&options).expect("a client");
    let keys = SEALING_KEYS.parse().expect("keys");
    let (max_age, interval) = (Duration::from_hours(24), Duration::from_mins(15));
    sync::Settings { access: Access::new(Some(keys), client), max_age, interval }
}

/// The client that calls webhook endpoints on this machine.
pub fn webhooks() -> outgoing::Client {
    let options = outgoing::Options {
        networks: Networks::loopback(),
        networks_setting: "UNIBOOKS_WEBHOOK_NETWORKS",
        ca_file: None,
        connect_timeout: Duration::from_secs(10),
        answer_limit: BodyLimit::Beginning(1_024),
        max_idle_per_host: 4,
    };
    outgoing::Client::new(&options).expect("a client")
}

/// `UNIBOOKS_SEALING_KEYS` of the tests.
pub const SEALING_KEYS: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// A caller that the server accepts: a project, one of its keys and one of its connections.
#[derive(Clone)]
pub struct Tenant {
    pub project_id: ProjectId,
    pub api_key_id: ApiKeyId,
    pub connection_id: ConnectionId,
    pub api_key: String,
    pub connection_token: String,
}

/// The options of a key or a connection that a test makes. The default has full rights and never expires.
#[derive(Clone, Copy)]
pub struct CredentialOptions {
    pub scopes: ApiKeyScopes,
    pub expires_at: Option<DateTime<Utc>>,
}

impl Default for CredentialOptions {
    fn default() -> Self {
        Self { scopes: ApiKeyScopes::DEFAULT, expires_at: None }
    }
}

/// A response with its whole body.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {:?}", self.text))
    }

    /// The text of a header; empty if the header is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
    }

    /// The status and `code` of a problem document. Checks what all problem documents have in common.
    #[track_caller]
    pub fn problem(&self) -> (u16, String) {
        let body = self.json();
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        assert_eq!(body["status"], self.status.as_u16(), "{}", self.text);
        (self.status.as_u16(), body["code"].as_str().expect("a code").to_owned())
    }

    /// The place and `code` of each entry of `errors`.
    #[track_caller]
    pub fn faults(&self) -> Vec<(String, String)> {
        let body = self.json();
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        let place = |fault: &Value| {
            ["pointer", "parameter", "header"].iter().find_map(|key| fault[key].as_str()).unwrap_or_default().to_owned()
        };
        errors.iter().map(|fault| (place(fault), fault["code"].as_str().unwrap_or_default().to_owned())).collect()
    }
}

impl App {
    /// A server with the machine's clock and the default limits.
    pub async fn new() -> Self {
        Self::with_clock(Clock::system()).await
    }

    /// A server whose clock does not move, so a cached caller expires only when the server hears of a change.
    pub async fn new_at_noon() -> Self {
        let noon = "2026-01-01T12:00:00Z".parse().expect("a time");
        Self::with_clock(Clock::new(move || noon)).await
    }

    /// A server with the test's own clock.
    pub async fn with_clock(clock: Clock) -> Self {
        Self::on(postgres::migrated().await, clock).await
    }

    /// Another server on the database of a first one.
    pub async fn on(options: PgConnectOptions, clock: Clock) -> Self {
        Self::with_settings(options, clock, &unlimited()).await
    }

    /// A server on an existing database, with the test's own settings.
    pub async fn with_settings(options: PgConnectOptions, clock: Clock, settings: &ServerSettings) -> Self {
        let database = postgres::pool(options.clone()).await;
        let app = unibooks::app::App::new(settings, &database, &clock, remote(), webhooks());
        let unibooks::app::App { router, authenticator, payments, calls, remote_writes, streams, changes, .. } = app;
        Self { router, authenticator, payments, calls, changes, streams, remote_writes, database, options }
    }

    fn operator(&self) -> Operator {
        Operator::from_cli(self.database.clone())
    }

    /// A new project with a key and a connection.
    pub async fn tenant(&self) -> Tenant {
        self.tenant_like(CredentialOptions::default(), CredentialOptions::default()).await
    }

    /// A new project with a key and a connection, each made with its own options.
    pub async fn tenant_like(&self, key: CredentialOptions, connection: CredentialOptions) -> Tenant {
        let mut transaction = self.operator().transaction().await.expect("begun");
        let project =
            projects::create(&mut transaction, display_name(), Clock::system().now()).await.expect("inserted");
        transaction.commit().await.expect("committed");
        let (api_key_id, api_key) = self.key(project.id, key).await;
        let (connection_id, connection_token) = self.connection(project.id, connection).await;
        Tenant { project_id: project.id, api_key_id, connection_id, api_key, connection_token }
    }

    /// Another key of a project: its id and the key itself.
    pub async fn key(&self, project_id: ProjectId, options: CredentialOptions) -> (ApiKeyId, String) {
        let CredentialOptions { scopes, expires_at } = options;
        let new = NewApiKey { project_id, name: display_name(), scopes, expires_at };
        let mut transaction = self.operator().transaction().await.expect("begun");
        let created = api_keys::create(&mut transaction, new, Clock::system().now()).await;
        let (key, secret) = created.expect("inserted");
        transaction.commit().await.expect("committed");
        (key.id, secret.expose().to_owned())
    }

    /// Another connection of a project: its id and its token.
    pub async fn connection(&self, project_id: ProjectId, options: CredentialOptions) -> (ConnectionId, String) {
        let expires_at = options.expires_at;
        let new = NewConnection { project_id, label: display_name(), software: None, expires_at };
        let mut transaction = self.operator().transaction().await.expect("begun");
        let created = connections::create(&mut transaction, new, Clock::system().now()).await;
        let (connection, token) = created.expect("inserted");
        transaction.commit().await.expect("committed");
        (connection.id, token.expose().to_owned())
    }

    /// Revokes a key.
    pub async fn revoke_key(&self, id: ApiKeyId) {
        assert!(api_keys::revoke(&self.operator(), id, Clock::system().now()).await.expect("revoked"));
    }

    /// Revokes a connection.
    pub async fn revoke_connection(&self, id: ConnectionId) {
        assert!(connections::revoke(&self.operator(), id, Clock::system().now()).await.expect("revoked"));
    }

    /// Lists payments as a tenant until the server refuses it, and returns the refusal. A server may hear of a
    /// revocation a moment later.
    pub async fn poll_until_refused(&self, tenant: &Tenant) -> Answer {
        let refusal = async {
            loop {
                let answer = self.get(tenant, PAYMENTS).await;
                if answer.status != 200 {
                    return answer;
                }
            }
        };
        tokio::time::timeout(Duration::from_mins(1), refusal).await.expect("the tenant is still accepted")
    }

    /// Sends a request unchanged. The text of a stream is empty, because it has no end.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, mut body) = self.open(request).await.into_parts();
        if parts.headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream") {
            body = Body::empty();
        }
        let bytes = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// Sends a request unchanged, and leaves the body to the test.
    pub async fn open(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.expect("the router does not fail")
    }

    /// `GET` as a tenant.
    pub async fn get(&self, tenant: &Tenant, path: &str) -> Answer {
        self.send(tenant.request(Method::GET, path).body(Body::empty()).expect("a request")).await
    }

    /// `POST` of a payment as a tenant.
    pub async fn create(&self, tenant: &Tenant, body: &Value) -> Answer {
        self.create_with(tenant, &[], body.to_string()).await
    }

    /// `POST` of a payment under an idempotency key.
    pub async fn create_under(&self, tenant: &Tenant, key: &str, body: &Value) -> Answer {
        self.create_with(tenant, &[("idempotency-key", key)], body.to_string()).await
    }

    /// `POST` of any text as JSON, with more headers.
    pub async fn create_with(&self, tenant: &Tenant, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = tenant.request(Method::POST, PAYMENTS).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).expect("a request")).await
    }

    /// Listens to the notifications of the database, as a server that serves does.
    pub fn listen(&self) {
        let listeners: Vec<Box<dyn Listener>> =
            vec![Box::new(self.authenticator.revocations()), Box::new(self.changes.clone())];
        tokio::spawn(follow_notifications(self.database.clone(), listeners));
    }

    /// Waits until this many servers listen on this database: the other sessions whose last statement is `listen`.
    pub async fn until_listeners(&self, wanted: i64) {
        let count = "select count(*) from pg_stat_activity
                     where datname = current_database() and state = 'idle' and query ilike 'listen %'";
        let mut session = self.connect().await;
        until("the servers listen", async || {
            let listening: i64 = sqlx::query_scalar(count).fetch_one(&mut session).await.expect("a count");
            listening >= wanted
        })
        .await;
    }

    /// A session of the test's own on the server's database.
    pub async fn connect(&self) -> PgConnection {
        self.options.connect().await.expect("a session")
    }

    /// Forgets what was announced so far: that connections were created.
    pub async fn forget_events(&self) {
        sqlx::query("delete from event_outbox").execute(&mut self.connect().await).await.expect("forgotten");
    }

    /// The number of payments in the database, of all connections.
    pub async fn count(&self) -> i64 {
        let mut session = self.connect().await;
        sqlx::query_scalar("select count(*) from payment").fetch_one(&mut session).await.expect("a count")
    }
}

impl Tenant {
    /// A request with this tenant's key and token.
    pub fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header("x-api-key", &self.api_key)
            .header("x-connection-token", &self.connection_token)
    }
}

fn display_name() -> DisplayName {
    "Test".parse().expect("a display name")
}

/// A small valid body.
pub fn small_payment() -> Value {
    json!({ "total_amount": 1, "currency": "EUR" })
}
