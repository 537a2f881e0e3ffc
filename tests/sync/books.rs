//! A connection to a ledger, with payments that are to be written.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use unibooks::auth::{Operator, Worker};
use unibooks::db::Database;
use unibooks::domain::{ConnectionId, PaymentId};
use unibooks::events::Changes;
use unibooks::sealed::SealingKeys;
use unibooks::sync::{RemoteWrites, Settings};
use uuid::Uuid;

use crate::ledger::{self, Ledger};
use crate::support::app::{SEALING_KEYS, remote};
use crate::support::{postgres, wait};

/// A connection to books.
pub struct Books {
    pub options: PgConnectOptions,
    pub database: Database,
    pub connection: ConnectionId,
    pub ledger: Arc<Ledger>,
    /// The server's settings.
    pub settings: Settings,
}

/// A server that writes. Dropped, it is killed.
pub struct Writer {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// What is stored of a payment and its write.
#[derive(Debug, PartialEq, Eq)]
pub struct Stored {
    pub state: String,
    pub remote_status: String,
    pub remote_id: Option<String>,
    /// The codes of its errors.
    pub codes: Vec<String>,
}

impl Books {
    pub async fn new() -> Self {
        Self::with_gate(None).await
    }

    /// Books in which a creation waits for a permit.
    pub async fn with_gate(gate: Option<Semaphore>) -> Self {
        let options = postgres::migrated().await;
        let database = postgres::pool(options.clone()).await;
        let mut settings = remote();
        settings.access.find = ledger::find;
        Self::add(options, database, settings, gate).await
    }

    /// Another connection of the same server.
    pub async fn another(&self) -> Self {
        Self::add(self.options.clone(), self.database.clone(), self.settings.clone(), None).await
    }

    async fn add(options: PgConnectOptions, database: Database, settings: Settings, gate: Option<Semaphore>) -> Self {
        let connection = ConnectionId(Uuid::from_u128(rand_id()));
        let url = format!("http://ledger.test/{connection}");
        let ledger = Ledger::open(&url, gate);
        let keys: SealingKeys = SEALING_KEYS.parse().expect("keys");
        let sealed =
            keys.seal(&SecretString::from("secret"), &[connection.0.as_bytes().as_slice(), b"connection"].concat());
        let mut session = options.connect().await.expect("a session");
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
            "insert into project (id, name, created_at) values ('{connection}', 'Books', now());
             insert into connection (id, project_id, label, provider, secret_hash, hint, created_at)
             values ('{connection}', '{connection}', 'Books', 'ledger', sha256('{connection}'), 'abcd', now());"
        )))
        .execute(&mut session)
        .await
        .expect("a connection");
        sqlx::query(
            "insert into connection_software (connection_id, url, sealed_secret, status, status_since, created_at,
                                              modified_at)
             values ($1, $2, $3, 'valid', now(), now(), now())",
        )
        .bind(connection.0)
        .bind(url)
        .bind(sealed)
        .execute(&mut session)
        .await
        .expect("its software");
        session.close().await.expect("closed");
        Self { options, database, connection, ledger, settings }
    }

    /// A session of the test's own.
    pub async fn session(&self) -> PgConnection {
        self.options.connect().await.expect("a session")
    }

    /// Runs a statement whose `$1` is the connection.
    pub async fn sql(&self, statement: &'static str) {
        sqlx::query(statement).bind(self.connection.0).execute(&mut self.session().await).await.expect(statement);
    }

    /// Stores a payment that is to be written, already prepared: its key is the name.
    pub async fn payment(&self, name: &str, amount: i64, invoices: &[&str]) -> PaymentId {
        let id = PaymentId(Uuid::from_u128(rand_id()));
        let write = ledger::prepared(name, amount, invoices);
        sqlx::query(
            "with stored as (
                 insert into payment (connection_id, id, created_at, modified_at, total_amount, currency, remote_status)
                 values ($1, $2, now(), now(), $3, 'USD', 'pending')
             )
             insert into remote_write (connection_id, payment_id, state, attempts, due_at, created_at, modified_at,
                                       write_key, prepared, invoices)
             values ($1, $2, 'pending', 0, now(), now(), now(), $4, $5, $6)",
        )
        .bind(self.connection.0)
        .bind(id.0)
        .bind(amount)
        .bind(name)
        .bind(write.bytes)
        .bind(invoices.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>())
        .execute(&mut self.session().await)
        .await
        .expect("a payment");
        id
    }

    /// Starts a server on these books.
    pub fn server(&self) -> Writer {
        let (stop, stopped) = oneshot::channel::<()>();
        let writes = self.writes();
        let task = tokio::spawn(writes.run(async move { drop(stopped.await) }));
        Writer { stop: Some(stop), task }
    }

    /// A server's writes, not running.
    pub fn writes(&self) -> RemoteWrites {
        RemoteWrites::new(Worker::from_app(self.database.clone()), self.settings.clone(), Changes::default())
    }

    pub fn operator(&self) -> Operator {
        Operator::from_cli(self.database.clone())
    }

    pub async fn stored(&self, payment: PaymentId) -> Stored {
        let row: (String, String, Option<String>, Option<serde_json::Value>) = sqlx::query_as(
            "select w.state, p.remote_status, p.remote_id, w.errors::jsonb
             from remote_write w join payment p on (p.connection_id, p.id) = (w.connection_id, w.payment_id)
             where w.connection_id = $1 and w.payment_id = $2",
        )
        .bind(self.connection.0)
        .bind(payment.0)
        .fetch_one(&mut self.session().await)
        .await
        .expect("a write");
        let (state, remote_status, remote_id, errors) = row;
        let errors = errors.and_then(|errors| errors.as_array().cloned()).unwrap_or_default();
        let codes = errors.iter().map(|error| error["code"].as_str().expect("a code").to_owned()).collect();
        Stored { state, remote_status, remote_id, codes }
    }

    /// Waits until a payment has a state, with a pause for the tests' own queries only.
    pub async fn until(&self, payment: PaymentId, state: &str) -> Stored {
        wait::until(state, async || {
            tokio::time::sleep(Duration::from_millis(20)).await;
            self.stored(payment).await.state == state
        })
        .await;
        self.stored(payment).await
    }

    /// The attempts of a payment: `action outcome`.
    pub async fn attempts(&self, payment: PaymentId) -> Vec<String> {
        sqlx::query_scalar(
            "select action || ' ' || coalesce(outcome, '-') from remote_attempt
             where connection_id = $1 and payment_id = $2 order by number",
        )
        .bind(self.connection.0)
        .bind(payment.0)
        .fetch_all(&mut self.session().await)
        .await
        .expect("attempts")
    }

    /// The status of the connection, and its reason.
    pub async fn status(&self) -> (String, Option<String>) {
        let query = "select status, status_reason from connection_software where connection_id = $1";
        sqlx::query_as(query).bind(self.connection.0).fetch_one(&mut self.session().await).await.expect("a status")
    }
}

impl Writer {
    /// A soft stop.
    pub async fn stop(mut self) {
        self.stop.take();
        (&mut self.task).await.expect("no panic");
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn rand_id() -> u128 {
    rand::random()
}

/// What a payment in a state of the software's looks like.
pub fn stored(state: &str, remote_status: &str, remote_id: Option<&str>, codes: &[&str]) -> Stored {
    Stored {
        state: state.to_owned(),
        remote_status: remote_status.to_owned(),
        remote_id: remote_id.map(str::to_owned),
        codes: codes.iter().map(|code| (*code).to_owned()).collect(),
    }
}
