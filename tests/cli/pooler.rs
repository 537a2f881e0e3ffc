//! The server behind `PgBouncer`.

use serde_json::json;
use tokio::task::JoinSet;

use crate::link::{Link, Loss};
use crate::lost_answers::Client;
use crate::process::{Server, free_port, new_credentials_with, one_line, printed, run};
use crate::support::pgbouncer::{Mode, Pooler};
use crate::support::wait::until;
use crate::trouble::{Caller, Databases, execute, payments, status, until_ready};

/// Transaction mode with a wrong setting: startup options are accepted and dropped.
const IGNORES: &str =
    "pool_mode = transaction\ndefault_pool_size = 2\nignore_startup_parameters = extra_float_digits, options";
const TRANSACTION: &[&str] = &["--database-pooling", "transaction"];

/// A pooler in front of the database that the address points to.
pub async fn before(databases: &Databases, port: u16, settings: &str) -> Pooler {
    let socket = databases.data_dir("primary").join("socket");
    started(databases, &socket.display().to_string(), 5432, port, settings).await
}

async fn started(databases: &Databases, host: &str, host_port: u16, port: u16, settings: &str) -> Pooler {
    let folder = databases.folder.path().join("pooler");
    let socket = databases.data_dir("primary").join("socket");
    let pooler = Pooler::start(&folder, &socket, host, host_port, port, settings);
    let pooler = pooler.expect("`make test-trouble` installs PgBouncer");
    until("PgBouncer listens", async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()).await;
    pooler
}

/// The URL of the database behind a pooler.
pub fn url(pooler: &Pooler) -> String {
    format!("postgres://unibooks@{}/unibooks", pooler.address())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PgBouncer: make test-trouble"]
async fn api_works_behind_a_pooler_in_transaction_mode() {
    let databases = Databases::new();
    let postgres = databases.start("primary", &[]).await;
    databases.point_to("primary");
    let port = free_port();
    let pooler = before(&databases, port, Mode::Transaction.settings()).await;

    let refused = run(&url(&pooler), &[&["serve", "--listen", "127.0.0.1:0"], TRANSACTION].concat());
    assert!(one_line(&refused, 1).contains("unibooks migrate --database-pooling session"), "{refused:?}");
    printed(&databases.url(), &["migrate"]);
    printed(&url(&pooler), &[&["migrate"], TRANSACTION].concat());

    let settings = [("UNIBOOKS_DATABASE_POOLING", "transaction"), ("UNIBOOKS_DATABASE_TIMEOUT", "1")];
    let server = Server::serve_with(&url(&pooler), &settings);
    let made = new_credentials_with(&url(&pooler), TRANSACTION);
    let [key_id, ..] = made.clone();
    let caller = Caller::with(&server, made);
    // Each key twice, so that some calls are stored, some are replayed, and some meet their twin.
    let creates = (0..200).map(|number| {
        let caller = caller.clone();
        async move { caller.create(&format!("key-{}", number / 2)).await }
    });
    assert_eq!(creates.collect::<JoinSet<_>>().join_all().await, [201; 200]);
    assert_eq!(payments(&postgres).await, 100);
    let lists = (0..50).map(|number| {
        let caller = caller.clone();
        async move { caller.list(&format!("idempotency_key=key-{number}")).await }
    });
    for page in lists.collect::<JoinSet<_>>().join_all().await {
        assert_eq!(page["data"].as_array().map(Vec::len), Some(1), "{page}");
    }
    assert_eq!(caller.list("limit=100").await["data"].as_array().map(Vec::len), Some(100));

    drop(pooler);
    assert_eq!(caller.create("while it is away").await, 503);
    assert_eq!(status(&server, "/readyz").await, 503);
    let pooler = before(&databases, port, Mode::Transaction.settings()).await;
    caller.until_created("while it is away").await;
    until_ready(&server).await;
    assert_eq!(payments(&postgres).await, 101);

    printed(&url(&pooler), &[&["api-key", "revoke", &key_id], TRANSACTION].concat());
    until("the revocation counts", async || caller.list("").await["status"] == 401).await;
    server.stop();
}

/// `PgBouncer` forwards the write, loses its session with Postgres, and answers `FATAL 08P01` on its own.
async fn stored_payment_is_never_called_repeatable(mode: Mode, commit: &'static str) {
    let databases = Databases::new();
    let postgres = databases.start("primary", &[]).await;
    databases.point_to("primary");
    printed(&databases.url(), &["migrate"]);
    // The pooler drops the startup options of the server.
    execute(&postgres, "alter role unibooks set statement_timeout = '1s'; alter role unibooks set timezone = 'UTC'")
        .await;
    let link = Link::to(&postgres.connect_options()).await;
    let port = link.address.port();
    let pooler = started(&databases, "127.0.0.1", port, free_port(), mode.settings()).await;
    let pooling = if mode == Mode::Transaction { "transaction" } else { "session" };
    let settings = [("UNIBOOKS_DATABASE_POOLING", pooling), ("UNIBOOKS_DATABASE_TIMEOUT", "1")];
    let server = Server::serve_with(&url(&pooler), &settings);
    let client = Client::new(&server, new_credentials_with(&databases.url(), &[]));
    let created = async || client.create(None).await.0 == 201;

    until("a payment is created", created).await;
    link.strike(Loss::Cut, 0, commit);
    let (status, answer) = client.create(None).await;
    assert!(link.has_struck());
    assert_eq!((status, &answer["code"]), (409, &json!("outcome_unknown")), "{answer}");
    until("it is read again", async || client.read(&answer).await != 503).await;
    assert_eq!(client.read(&answer).await, 200, "it was stored");

    until("a payment is created", created).await;
    let before = payments(&postgres).await;
    link.strike(Loss::Cut, 0, commit);
    assert_eq!(client.create(Some("key")).await.0, 503);
    assert!(link.has_struck());
    until("it is answered", async || client.create(Some("key")).await.0 == 201).await;
    assert_eq!(payments(&postgres).await, before + 1);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PgBouncer: make test-trouble"]
async fn cut_after_the_commit_in_transaction_mode_is_not_retryable() {
    stored_payment_is_never_called_repeatable(Mode::Transaction, "COMMIT").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PgBouncer: make test-trouble"]
async fn cut_after_the_insert_in_session_mode_is_not_retryable() {
    stored_payment_is_never_called_repeatable(Mode::Session, "").await;
}

const SERVE: &[&str] = &["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"];

/// The line with which `serve` ends behind a pooler with these settings.
async fn refusal(databases: &Databases, settings: &str) -> String {
    let pooler = before(databases, free_port(), settings).await;
    let line = one_line(&run(&url(&pooler), SERVE), 1);
    // The first start has used the pooler's sessions, and a second start still gets the same line.
    assert_eq!(one_line(&run(&url(&pooler), SERVE), 1), line);
    line
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PgBouncer: make test-trouble"]
async fn pooler_without_its_setting_is_refused_with_the_remedy() {
    let databases = Databases::new();
    let postgres = databases.start("primary", &[]).await;
    databases.point_to("primary");
    printed(&databases.url(), &["migrate"]);

    let strict = Mode::Transaction.settings();
    for settings in [strict, &strict.replace("transaction", "session")] {
        let line = refusal(&databases, settings).await;
        assert!(line.contains("unsupported startup parameter: options"), "{line}");
        assert!(line.contains("UNIBOOKS_DATABASE_POOLING=transaction"), "{line}");
    }
    let line = refusal(&databases, &strict.replace("extra_float_digits", "application_name")).await;
    assert!(line.contains("ignore_startup_parameters = extra_float_digits"), "{line}");
    for size in ["1", "2", "20"] {
        for order in ["0", "1"] {
            let settings = IGNORES.replace("_size = 2", &format!("_size = {size}"));
            let line = refusal(&databases, &format!("{settings}\nserver_round_robin = {order}")).await;
            assert!(line.contains("gives each transaction another session"), "{size} {order}: {line}");
            assert!(line.contains("UNIBOOKS_DATABASE_POOLING=transaction"), "{line}");
        }
    }
    let line = refusal(&databases, Mode::Session.settings()).await;
    assert!(line.contains("alter role unibooks set statement_timeout = '5s'"), "{line}");

    execute(&postgres, "alter role unibooks set statement_timeout = '5s'; alter role unibooks set timezone = 'UTC'")
        .await;
    let pooler = before(&databases, free_port(), Mode::Session.settings()).await;
    let server = Server::serve(&url(&pooler));
    until_ready(&server).await;
    server.stop();
}
