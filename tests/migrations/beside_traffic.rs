//! Migrations while the API is in use: what a long reader may delay, and what it must not.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqlSafeStr};
use unibooks::db::migrate_with;

use super::MIGRATIONS;
use super::support::app::{App, PAYMENTS, Tenant, small_payment};
use super::support::logs::Logs;
use super::support::postgres;
use super::support::wait::until;

const COLUMN: &str = "alter table payment add column of_the_test integer";
const INDEX: &str = "-- no-transaction
create index concurrently if not exists payment_of_the_test on payment (connection_id, created_at)";

/// The migrations of this build and one after them.
fn with(sql: &str) -> Migrator {
    let sql = AssertSqlSafe(sql.to_owned()).into_sql_str();
    let is_bare = sql.as_str().starts_with("-- no-transaction");
    let next = Migration::new(20_990_101_000_000, Cow::Borrowed("next"), MigrationType::Simple, sql, is_bare);
    Migrator::with_migrations(MIGRATIONS.iter().cloned().chain([next]).collect())
}

/// Reads payments in a transaction that stays open, as `pg_dump` does.
async fn begin_to_read(app: &App) -> PgConnection {
    let mut reader = app.connect().await;
    execute(&mut reader, "begin isolation level repeatable read; select count(*) from payment").await;
    reader
}

async fn execute(connection: &mut PgConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.expect(sql);
}

async fn answer(connection: &mut PgConnection, query: &'static str) -> Option<bool> {
    sqlx::query_scalar(query).fetch_optional(connection).await.expect(query)
}

/// Whether the index of the test serves queries; `None` when there is no index.
async fn is_valid(connection: &mut PgConnection) -> Option<bool> {
    answer(connection, "select indisvalid from pg_index where indexrelid = to_regclass('payment_of_the_test')").await
}

async fn create_and_read(app: &App, tenant: &Tenant) {
    assert_eq!(app.create(tenant, &small_payment()).await.status, 201);
    assert_eq!(app.get(tenant, &format!("{PAYMENTS}?limit=1")).await.status, 200);
}

#[tokio::test]
async fn payments_are_created_and_read_while_a_migration_waits() {
    let logs = Logs::catch("unibooks=info");
    let app = App::new().await;
    let tenant = app.tenant().await;
    let mut reader = begin_to_read(&app).await;
    let database = app.database.clone();
    let migrating = tokio::spawn(async move { migrate_with(&database, &with(COLUMN)).await });
    until("the migration has met the reader", async || logs.text().contains("a migration waits for transactions"))
        .await;
    for _during_further_attempts in 0..50 {
        create_and_read(&app, &tenant).await;
    }
    assert!(!migrating.is_finished());
    execute(&mut reader, "commit").await;
    migrating.await.expect("no panic").expect("migrated");
    create_and_read(&app, &tenant).await;
    let waits = logs.lines().iter().filter(|line| line["level"] == "WARN").count();
    assert_eq!(waits, 1, "however many attempts there are: {}", logs.text());
}

#[tokio::test]
async fn payments_are_created_and_read_while_an_index_is_built() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let mut reader = begin_to_read(&app).await;
    let (database, mut connection) = (app.database.clone(), app.connect().await);
    let migrating = tokio::spawn(async move { migrate_with(&database, &with(INDEX)).await });
    let waits = "select true from pg_stat_progress_create_index where phase like 'waiting for old snapshots%'
                 and datname = current_database()";
    until("the index waits for the reader", async || answer(&mut connection, waits).await.is_some()).await;
    for _meanwhile in 0..50 {
        create_and_read(&app, &tenant).await;
    }
    assert_eq!(is_valid(&mut connection).await, Some(false));
    execute(&mut reader, "commit").await;
    migrating.await.expect("no panic").expect("migrated");
    assert_eq!(is_valid(&mut connection).await, Some(true));
}

#[tokio::test]
async fn unfinished_index_is_built_again() {
    let app = App::new().await;
    let mut reader = begin_to_read(&app).await;
    let mut connection = app.connect().await;
    execute(&mut connection, "set lock_timeout = '50ms'").await;
    sqlx::raw_sql(INDEX).execute(&mut connection).await.expect_err("the reader is in the way");
    assert_eq!(is_valid(&mut connection).await, Some(false));
    execute(&mut reader, "commit").await;
    migrate_with(&app.database, &with(INDEX)).await.expect("migrated");
    assert_eq!(is_valid(&mut connection).await, Some(true));
}

#[tokio::test]
async fn waiting_servers_do_not_block_an_index() {
    let logs = Logs::catch("unibooks=info");
    let app = App::new().await;
    let mut reader = begin_to_read(&app).await;
    let migrate = || {
        let database = app.database.clone();
        tokio::spawn(async move { migrate_with(&database, &with(INDEX)).await })
    };
    let servers = [migrate(), migrate(), migrate()];
    let waiting = || logs.text().matches("another server migrates the database").count();
    until("two wait for the third", async || waiting() == 2).await;
    let mut connection = app.connect().await;
    let holds_up = "select true from pg_locks where locktype = 'advisory' and not granted";
    assert_eq!(answer(&mut connection, holds_up).await, None);
    execute(&mut reader, "commit").await;
    for server in servers {
        server.await.expect("no panic").expect("migrated");
    }
    assert_eq!(is_valid(&mut connection).await, Some(true));
}

#[tokio::test]
async fn migrations_are_retried_beside_a_reader() {
    let logs = Logs::catch("unibooks=info");
    let options = postgres::empty().await;
    let mut connection = super::connect(&options).await;
    // 20261125000002 drops this index.
    let before = MIGRATIONS.iter().take_while(|migration| migration.version < 20_261_125_000_002).count();
    super::up_to(&mut connection, before).await;
    let before = "select count(*) = 1 from pg_class where relname = 'payment_list'";
    assert_eq!(answer(&mut connection, before).await, Some(true));
    execute(&mut connection, "begin isolation level repeatable read; select count(*) from payment").await;
    let migrating = tokio::spawn(async move { unibooks::db::migrate(&postgres::pool(options).await).await });
    until("the migration has met the reader", async || logs.text().contains("a migration waits for transactions"))
        .await;
    execute(&mut connection, "commit").await;
    migrating.await.expect("no panic").expect("migrated");
    assert_eq!(answer(&mut connection, before).await, Some(false));
    connection.close().await.expect("closed");
}
