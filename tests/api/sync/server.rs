//! The server pulls by itself.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::oneshot;
use unibooks::auth::Worker;
use unibooks::connectors::{
    Capabilities, Connector, ExactlyOnce, Fault, PaymentOrder, PreparedWrite, Provider, Target,
};
use unibooks::domain::WriteKey;
use unibooks::domain::references::Resource;
use unibooks::events::Changes;
use unibooks::outgoing::Client;
use unibooks::sealed::SealingKeys;
use unibooks::sync;
use unibooks::sync::pull::{Pulls, pull_now, store};

use super::names;
use crate::support::app::{App, SEALING_KEYS, Tenant, remote};
use crate::support::software::{Books, Call, connect, job, request};
use crate::support::wait::until;

/// Books by the addresses of their connections.
static BOOKS: LazyLock<Mutex<HashMap<String, Books>>> = LazyLock::new(Mutex::default);

/// They are only read.
const CAPABILITIES: Capabilities = Capabilities {
    exactly_once: ExactlyOnce::UniqueKey,
    members: &[],
    customer_payments: false,
    supplier_payments: false,
    max_allocations: 1,
    on_account: false,
    partly_on_account: false,
    takes_exchange_rate: false,
    reads_payments: true,
    max_in_flight: 1,
    timeout: Duration::from_mins(1),
    needs_setup: false,
};

#[derive(Debug)]
struct Shelf;

impl Provider for Shelf {
    fn slug(&self) -> &'static str {
        "tryton"
    }

    fn name(&self) -> &'static str {
        "Books"
    }

    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn prepare(&self, _: &PaymentOrder, _: &WriteKey) -> Result<PreparedWrite, Vec<Fault>> {
        Err(vec![Fault::new("", "refused", "these books are only read")])
    }

    fn connect(&self, target: Target, _: Client) -> Box<dyn Connector> {
        Box::new(BOOKS.lock().expect("no panic")[&target.url].clone())
    }
}

/// A tenant whose software is these books.
async fn filled(app: &App) -> (Tenant, Books) {
    let (tenant, books) = (app.tenant().await, Books::default());
    connect(app, &tenant).await;
    for number in 1..=25 {
        books.put(Resource::Invoice, number, 1, &format!("{number:02}"));
    }
    let url = format!("http://books.test/{}", tenant.connection_id);
    let keys: SealingKeys = SEALING_KEYS.parse().expect("keys");
    sqlx::query("update connection_software set url = $2, sealed_secret = $3 where connection_id = $1")
        .bind(tenant.connection_id.0)
        .bind(&url)
        .bind(keys.seal(
            &SecretString::from("secret"),
            &[tenant.connection_id.0.as_bytes().as_slice(), b"connection"].concat(),
        ))
        .execute(&mut app.connect().await)
        .await
        .expect("set");
    BOOKS.lock().expect("no panic").insert(url, books.clone());
    (tenant, books)
}

fn settings() -> sync::Settings {
    let mut settings = remote();
    settings.access.find = |_| Some(&Shelf);
    settings
}

fn pulls(app: &App) -> Pulls {
    Pulls::new(Worker::from_app(app.database.clone()), settings().access, Duration::from_mins(15), Changes::default())
}

/// Runs the pulls of a server until the sender is dropped.
fn run(pulls: Pulls) -> (oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(pulls.run(async {
        stopped.await.ok();
    }));
    (stop, task)
}

fn begun(calls: &[Call]) -> usize {
    calls.iter().filter(|call| **call == Call::Keys(Resource::Invoice, None)).count()
}

#[tokio::test]
async fn new_connection_is_read_once_by_two_servers() {
    let app = App::new().await;
    let (tenant, books) = filled(&app).await;
    let servers = [run(pulls(&app)), run(pulls(&app))];
    until("all is read", async || names(&app, &tenant, Resource::Invoice).await.len() == 25).await;
    for (stop, task) in servers {
        drop(stop);
        task.await.expect("it ends");
    }
    assert_eq!(begun(&books.calls()), 1);
}

#[tokio::test]
async fn request_is_pulled_before_the_interval_ends() {
    let app = App::new().await;
    let (tenant, books) = filled(&app).await;
    let (stop, task) = run(pulls(&app));
    until("all is read", async || store::next_pull(job(&app, &tenant).scope()).await.expect("asked").is_some()).await;
    until("all is read", async || names(&app, &tenant, Resource::Invoice).await.len() == 25).await;
    books.put(Resource::Invoice, 26, 1, "26");
    request(&app, &tenant, Duration::ZERO).await;
    until("it is read again", async || names(&app, &tenant, Resource::Invoice).await.len() == 26).await;
    drop(stop);
    task.await.expect("it ends");
}

#[tokio::test]
async fn stopped_server_ends_behind_a_page_and_another_goes_on() {
    let app = App::new().await;
    let (tenant, books) = filled(&app).await;
    let (stop, task) = run(pulls(&app));
    let mut stop = Some(stop);
    // It is asked to stop in the middle of a page of invoices.
    books.plan(move |call| {
        if matches!(call, Call::Keys(Resource::Invoice, Some(after)) if after.ends_with("12")) {
            drop(stop.take());
        }
        Ok(())
    });
    task.await.expect("it ends");
    let read = names(&app, &tenant, Resource::Invoice).await.len();
    assert!((12..25).contains(&read), "{read}");
    books.calls();
    let (stop, task) = run(pulls(&app));
    until("the rest is read", async || names(&app, &tenant, Resource::Invoice).await.len() == 25).await;
    drop(stop);
    task.await.expect("it ends");
    assert_eq!(begun(&books.calls()), 0, "it went on where the other ended");
}

#[tokio::test]
async fn person_at_the_command_line_pulls_at_once() {
    let app = App::new().await;
    let (tenant, books) = filled(&app).await;
    let operator = unibooks::auth::Operator::from_cli(app.database.clone());
    let interval = Duration::from_mins(15);
    pull_now(&operator, tenant.connection_id, &settings().access, interval).await.expect("complete");
    assert_eq!(names(&app, &tenant, Resource::Invoice).await.len(), 25);
    books.put(Resource::Invoice, 26, 1, "26");
    pull_now(&operator, tenant.connection_id, &settings().access, interval).await.expect("complete");
    assert_eq!(names(&app, &tenant, Resource::Invoice).await.len(), 26);
    let without = app.tenant().await.connection_id;
    let refused = pull_now(&operator, without, &settings().access, interval).await.expect_err("no software");
    assert_eq!(refused.to_string(), format!("the connection {without} has no accounting software"));
}
