//! Several statements that are stored together or not at all, in both pooling modes.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;
use unibooks::auth::Operator;
use unibooks::db::{self, Database, DatabaseOptions, PoolerMode};
use unibooks::domain::{Clock, DisplayName, ProjectId};
use unibooks::management::connections::NewConnection;
use unibooks::management::{connections, projects};

use crate::link::{Link, Loss};
use crate::process::{free_port, printed, run};
use crate::support::pgbouncer::Mode;
use crate::support::postgres;
use crate::support::wait::until;
use crate::trouble::Databases;

/// How many rows of each kind are committed.
async fn count(options: &PgConnectOptions) -> (i64, i64) {
    let mut session = options.connect().await.expect("a session");
    let query = "select (select count(*) from project), (select count(*) from connection)";
    let count = sqlx::query_as(query).fetch_one(&mut session).await.expect("a count");
    session.close().await.expect("closed");
    count
}

async fn connect(options: PgConnectOptions, pooling: PoolerMode) -> Database {
    let options = DatabaseOptions { connect: options, pool_size: 4, timeout: Duration::from_secs(5), pooling };
    Database::connect(options).await.expect("a database")
}

fn name() -> DisplayName {
    "Books".parse().expect("a name")
}

fn connection_of(project_id: ProjectId) -> NewConnection {
    NewConnection { project_id, label: name(), software: None, expires_at: None }
}

/// What every transaction of `database` promises. `options` lead to its Postgres itself.
async fn assert_all_or_nothing(database: &Database, options: &PgConnectOptions) {
    let (operator, now) = (Operator::from_cli(database.clone()), Clock::system().now());

    // A failure between two statements.
    let mut transaction = operator.transaction().await.expect("begun");
    projects::create(&mut transaction, name(), now).await.expect("inserted");
    let nowhere = connection_of(ProjectId::new(now));
    connections::create(&mut transaction, nowhere, now).await.expect_err("there is no such project");
    drop(transaction);
    assert_eq!(count(options).await, (0, 0));

    // Postgres answers this commit with a rollback and no error.
    let mut transaction = operator.transaction().await.expect("begun");
    projects::create(&mut transaction, name(), now).await.expect("inserted");
    let nowhere = connection_of(ProjectId::new(now));
    connections::create(&mut transaction, nowhere, now).await.expect_err("there is no such project");
    let refused = transaction.commit().await.expect_err("a statement failed");
    assert!(matches!(refused, db::Error::Internal(_)), "{refused}");
    assert_eq!(count(options).await, (0, 0));

    let mut transaction = operator.transaction().await.expect("begun");
    let project = projects::create(&mut transaction, name(), now).await.expect("inserted");
    connections::create(&mut transaction, connection_of(project.id), now).await.expect("inserted");
    assert_eq!(count(options).await, (0, 0), "nothing is visible before the commit");
    transaction.commit().await.expect("committed");
    assert_eq!(count(options).await, (1, 1));

    let parameters = "select current_setting('statement_timeout'), current_setting('timezone')";
    let mut transaction = database.transaction().await.expect("begun");
    let seen: (String, String) = sqlx::query_as(parameters).fetch_one(&mut transaction).await.expect("parameters");
    assert_eq!(seen, ("5s".to_owned(), "UTC".to_owned()));
    sqlx::query("delete from connection").execute(&mut transaction).await.expect("deleted");
    transaction.rollback().await.expect("rolled back");
    assert_eq!(count(options).await, (1, 1));
}

#[tokio::test]
async fn transaction_is_stored_as_a_whole_or_not_at_all() {
    let options = postgres::migrated().await;
    let database = connect(options.clone(), PoolerMode::Session).await;
    assert_all_or_nothing(&database, &options).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PgBouncer: make test-trouble"]
async fn transaction_behind_a_pooler_is_stored_as_a_whole() {
    let place = Databases::new();
    let postgres = place.start("primary", &[]).await;
    place.point_to("primary");
    printed(&place.url(), &["migrate"]);
    let pooler = crate::pooler::before(&place, free_port(), Mode::Transaction.settings()).await;
    let options = crate::pooler::url(&pooler).parse().expect("an address");
    let database = connect(options, PoolerMode::Transaction).await;
    assert_all_or_nothing(&database, &postgres.connect_options()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answer_to_a_commit_leaves_the_outcome_unknown() {
    let options = postgres::migrated().await;
    let link = Link::to(&options).await;
    let through = link.url(&options).parse().expect("an address");
    let operator = Operator::from_cli(connect(through, PoolerMode::Session).await);
    let now = Clock::system().now();
    let mut transaction = operator.transaction().await.expect("begun");
    projects::create(&mut transaction, name(), now).await.expect("inserted");
    link.strike(Loss::Cut, 0, "COMMIT");
    let lost = transaction.commit().await.expect_err("its answer is lost");
    assert!(link.has_struck() && matches!(lost, db::Error::Lost(_)), "{lost}");
    until("it was stored", async || count(&options).await == (1, 0)).await;
}

#[tokio::test]
async fn demo_that_fails_halfway_leaves_nothing() {
    let options = postgres::migrated().await;
    let refuse = "create function refuse() returns trigger language plpgsql as
                      $$ begin raise exception 'no connections today'; end $$;
                  create trigger refuse before insert on connection for each row execute function refuse()";
    sqlx::raw_sql(refuse).execute(&mut options.connect().await.expect("a session")).await.expect("a trigger");
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("demo.json");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--demo-file"];
    let refused = run(&postgres::url(&options).await, &[&serve[..], &[file.to_str().expect("a path")]].concat());
    let log = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && log.contains("no connections today"), "{log}");
    assert_eq!(count(&options).await, (0, 0));
    assert!(!file.exists());
}
