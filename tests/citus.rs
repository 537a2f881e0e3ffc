//! A database that Citus distributes over two workers: `make test-citus`. It also runs the tests of the API there.

#[path = "citus/outbox.rs"]
mod outbox;
#[path = "citus/queries.rs"]
mod queries;
#[path = "support/mod.rs"]
mod support;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::json;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, PgConnection, SqlSafeStr};
use tokio::task::JoinSet;
use unibooks::db::{distribute, migrate, migrate_with};
use unibooks::domain::Clock;

use support::app::{App, PAYMENTS, small_payment};
use support::postgres;

async fn rows(session: &mut PgConnection, query: &'static str) -> Vec<String> {
    sqlx::query_scalar(query).fetch_all(session).await.expect(query)
}

#[tokio::test]
#[ignore = "needs Citus: make test-citus"]
async fn distribution_keeps_every_payment_and_can_be_repeated() {
    let options = postgres::empty().await;
    let app = App::on(options, Clock::system()).await;
    let tenant = app.tenant().await;
    for _before in 0..5 {
        assert_eq!(app.create(&tenant, &small_payment()).await.status, 201);
    }
    let before = app.get(&tenant, PAYMENTS).await.text;
    for _run in 0..2 {
        distribute(&app.database).await.expect("distributed");
    }
    assert_eq!(app.get(&tenant, PAYMENTS).await.text, before);
    let kinds = "select table_name || ' ' || citus_table_type from citus_tables order by 1";
    let expected = [
        "_sqlx_migrations reference",
        "api_key reference",
        "connection reference",
        "connection_software distributed",
        "event distributed",
        "event_feed distributed",
        "event_outbox distributed",
        "payment distributed",
        "payment_line_item distributed",
        "project reference",
        "pull distributed",
        "pull_progress distributed",
        "reference distributed",
        "remote_attempt distributed",
        "remote_payment distributed",
        "remote_write distributed",
        "webhook_attempt distributed",
        "webhook_delivery distributed",
        "webhook_endpoint distributed",
        "webhook_replay distributed",
        "webhook_retry distributed",
    ];
    assert_eq!(rows(&mut app.connect().await, kinds).await, expected);
    let foreign_keys = "select conname::text from pg_constraint where conrelid = 'payment_line_item'::regclass
                        and contype = 'f'";
    assert_eq!(rows(&mut app.connect().await, foreign_keys).await, ["payment_line_item_payment"]);
    migrate(&app.database).await.expect("nothing is left to do");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Citus: make test-citus"]
async fn payments_of_many_connections_commit_in_one_phase() {
    let app = Arc::new(App::new().await);
    let mut calls = JoinSet::new();
    for _tenant in 0..20 {
        let (app, tenant) = (Arc::clone(&app), app.tenant().await);
        calls.spawn(async move {
            for _payment in 0..5 {
                assert_eq!(app.create(&tenant, &small_payment()).await.status, 201);
            }
        });
    }
    // Only a commit in two phases leaves a record, on the node that coordinates it. Those of the tenants count, too.
    let records = "select sum(result::bigint)::text from run_command_on_all_nodes(
                       'select count(*) from pg_dist_transaction')";
    let before = rows(&mut app.connect().await, records).await;
    calls.join_all().await;
    assert_eq!(app.count().await, 100);
    assert_eq!(rows(&mut app.connect().await, records).await, before);
}

#[tokio::test]
#[ignore = "needs Citus: make test-citus"]
async fn constraint_of_a_shard_is_a_fault_of_its_member() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for change in [
        "alter table payment drop constraint payment_total_amount_range",
        "alter table payment add constraint payment_total_amount_range check (total_amount < 100)",
    ] {
        sqlx::raw_sql(change).execute(&mut app.connect().await).await.expect(change);
    }
    let answer = app.create(&tenant, &json!({ "total_amount": 100 })).await;
    assert_eq!(answer.faults(), [("/total_amount".to_owned(), "refused_by_constraint".to_owned())]);
}

#[tokio::test]
#[ignore = "needs Citus: make test-citus"]
async fn later_migrations_change_every_shard() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let later = [
        "do $$ begin
             alter table payment add column of_the_test integer;
             alter table payment add constraint of_the_test_range check (of_the_test > 0);
         end $$",
        "-- no-transaction\ncreate index concurrently payment_of_the_test on payment (connection_id, of_the_test)",
    ];
    let later = later.into_iter().zip(20_990_101_000_000..).map(|(sql, version)| {
        let sql = AssertSqlSafe(sql.to_owned()).into_sql_str();
        let is_bare = sql.as_str().starts_with("-- no-transaction");
        Migration::new(version, Cow::Borrowed("later"), MigrationType::Simple, sql, is_bare)
    });
    let migrations = sqlx::migrate!().iter().cloned().chain(later).collect();
    migrate_with(&app.database, &Migrator::with_migrations(migrations)).await.expect("migrated");
    assert_eq!(app.create(&tenant, &small_payment()).await.status, 201);
    let indexes = "select distinct result from run_command_on_shards(
                       'payment', $$ select count(*) from pg_index where indrelid = '%s'::regclass $$)";
    let columns =
        "select distinct result from run_command_on_shards('payment', $$ select count(of_the_test) from %s $$)";
    assert_eq!(rows(&mut app.connect().await, columns).await, ["0"]);
    assert_eq!(rows(&mut app.connect().await, indexes).await.len(), 1, "every shard has the same indexes");
}
