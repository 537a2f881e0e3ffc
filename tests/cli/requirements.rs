//! Requirements of the database: if one is not met, the start ends with one line that says what to change.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::process::{one_line, printed, run};
use crate::support::postgres;

const SERVE: &[&str] = &["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"];

async fn execute(options: &PgConnectOptions, sql: &str) {
    let mut connection = PgConnection::connect_with(options).await.expect("a connection");
    for statement in sql.split(';') {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.expect(statement);
    }
}

/// The line with which both `serve` and `migrate` end.
#[track_caller]
fn refusal(url: &str) -> String {
    let line = one_line(&run(url, &["migrate"]), 1);
    assert_eq!(one_line(&run(url, SERVE), 1), line);
    line
}

/// Makes a role without any rights. Returns the URL with its name.
async fn with_role(options: &PgConnectOptions, role: &str) -> String {
    execute(options, &format!("create role {role} login")).await;
    postgres::url(options).await.replacen("unibooks@", &format!("{role}@"), 1)
}

#[tokio::test]
async fn database_in_another_encoding_is_refused() {
    let options = postgres::empty().await;
    execute(&options, "create database in_latin1 encoding 'LATIN1' template template0").await;
    let line = refusal(&postgres::url(&options.database("in_latin1")).await);
    assert!(line.contains("in_latin1 is encoded in LATIN1, and UTF8 is needed"), "{line}");
}

#[tokio::test]
async fn read_only_database_is_refused() {
    let options = postgres::migrated().await;
    let name = options.get_database().expect("a name");
    execute(&options, &format!("alter database {name} set default_transaction_read_only = on")).await;
    let line = refusal(&postgres::url(&options).await);
    assert!(line.contains("read-only") && line.contains("default_transaction_read_only"), "{line}");
}

#[tokio::test]
async fn role_without_the_right_to_make_tables_is_refused() {
    let options = postgres::empty().await;
    let line = refusal(&with_role(&options, "maker").await);
    assert!(line.contains("maker may not create tables in the schema public"), "{line}");
    assert!(line.contains("owner to maker"), "{line}");
}

#[tokio::test]
async fn role_that_does_not_own_its_tables_cannot_migrate() {
    let options = postgres::migrated().await;
    let forget = "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)";
    execute(&options, forget).await;
    let url = with_role(&options, "stranger").await;
    execute(&options, "grant select on _sqlx_migrations to stranger; grant create on schema public to stranger").await;
    let line = refusal(&url);
    assert!(
        line.contains(
            "stranger does not own the tables _sqlx_migrations, api_key, connection, connection_software, event"
        ),
        "{line}"
    );
}

#[tokio::test]
async fn role_needs_only_the_rights_that_the_server_uses() {
    let options = postgres::migrated().await;
    let url = with_role(&options, "clerk").await;
    execute(
        &options,
        "grant select on _sqlx_migrations to clerk; grant select, insert on payment, payment_line_item to clerk;
         grant update on payment to clerk; grant select, insert, update on api_key to clerk;
         grant select, update on connection to clerk;
         grant delete on payment_line_item to clerk;
         grant select, insert, update on connection_software, pull, pull_progress, reference, remote_attempt,
             remote_payment, remote_write to clerk",
    )
    .await;
    let of_events = "grant select, insert, delete on event, event_outbox to clerk;
         grant select, insert, update on event_feed to clerk;
         grant select, insert, delete on webhook_attempt to clerk;
         grant select, insert, update, delete on webhook_delivery, webhook_endpoint, webhook_replay, webhook_retry
             to clerk";
    execute(&options, of_events).await;
    let line = refusal(&url);
    let lacks = "lacks rights: grant it insert on connection, insert on project, select on project";
    assert!(line.contains("clerk") && line.contains(lacks), "{line}");
    execute(&options, "grant insert on connection to clerk; grant select, insert on project to clerk").await;
    printed(&url, &["migrate"]);
}

#[tokio::test]
async fn plain_postgres_is_not_distributed() {
    let options = postgres::migrated().await;
    let output = run(&postgres::url(&options).await, &["migrate", "--distributed"]);
    let error = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{error}");
    // A warning about the test's own settings comes before it.
    let line = error.lines().last().unwrap_or_default();
    assert!(line.contains("the database has no Citus") && line.contains("docs/scaling.md"), "{error}");
}
