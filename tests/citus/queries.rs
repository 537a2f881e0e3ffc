//! Every checked query runs on distributed tables. Citus refuses some of what Postgres accepts, some of it only when a
//! shard is reached. So each is run with a value for each parameter, and undone.

use std::fs;
use std::path::Path;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::app::App;

/// What a query may answer: the values mean nothing, and so may break a constraint. Citus does not keep the code of an
/// error on every way from a shard.
const CONSTRAINT_IS_BROKEN: &str = "violates";

/// A type as sqlx names it, as Postgres does, and a value.
const TYPES: &[(&str, &str, &str)] = &[
    ("Bool", "boolean", "true"),
    ("Bytea", "bytea", "1"),
    ("Date", "date", "2026-11-01"),
    ("Int2", "smallint", "1"),
    ("Int4", "integer", "1"),
    ("Int8", "bigint", "1"),
    ("Json", "json", "{}"),
    ("Text", "text", "1"),
    ("Timestamptz", "timestamptz", "2026-11-01Z"),
    ("Uuid", "uuid", "01a20a86-10a7-7c60-a6d3-6b4d32013a65"),
];

/// A parameter of this type: its name in Postgres, and a value.
fn parameter(sqlx_name: &str) -> (String, String) {
    let one = sqlx_name.strip_suffix("Array");
    let known = TYPES.iter().find(|(name, ..)| *name == one.unwrap_or(sqlx_name));
    let (_, name, value) = known.unwrap_or_else(|| panic!("a value for {sqlx_name} is missing here"));
    if one.is_some() {
        (format!("{name}[]"), format!("array['{value}'::{name}]"))
    } else {
        ((*name).to_owned(), format!("'{value}'"))
    }
}

/// Runs a query and undoes it. Returns what the database said against it.
async fn refusal(session: &mut PgConnection, query: &str, parameters: &[Value]) -> Option<String> {
    let (types, values): (Vec<_>, Vec<_>) =
        parameters.iter().map(|name| parameter(name.as_str().expect("a name"))).unzip();
    let list = |items: &[String]| if items.is_empty() { String::new() } else { format!("({})", items.join(", ")) };
    let (types, values) = (list(&types), list(&values));
    let mut transaction = session.begin().await.expect("begun");
    let mut result = Ok(());
    for text in [format!("prepare of_the_test {types} as {query}"), format!("execute of_the_test {values}")] {
        if result.is_ok() {
            result = sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *transaction).await.map(drop);
        }
    }
    transaction.rollback().await.expect("undone");
    sqlx::raw_sql("deallocate all").execute(session).await.expect("forgotten");
    let error = result.err()?.into_database_error().expect("an answer");
    let is_of_values = error.message().contains(CONSTRAINT_IS_BROKEN);
    (!is_of_values).then(|| format!("{}: {query}", error.message()))
}

#[tokio::test]
#[ignore = "needs Citus: make test-citus"]
async fn every_checked_query_runs_on_distributed_tables() {
    let app = App::new().await;
    let mut session = app.connect().await;
    let mut refused = Vec::new();
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx")).expect("a folder") {
        let text = fs::read_to_string(file.expect("a file").path()).expect("a query");
        let checked: Value = serde_json::from_str(&text).expect("JSON");
        let query = checked["query"].as_str().expect("a query");
        if IS_OF_PLAIN_POSTGRES.iter().any(|part| query.contains(part)) {
            continue;
        }
        let parameters = checked["describe"]["parameters"]["Left"].as_array().expect("parameters");
        refused.extend(refusal(&mut session, query, parameters).await);
    }
    assert!(refused.is_empty(), "{}", refused.join("\n\n"));
}

/// What is asked only on a plain Postgres. Each has another one beside it, in a file `…_on_nodes.rs`.
const IS_OF_PLAIN_POSTGRES: &[&str] = &[
    "with recursive connections_with_open_writes",
    "select distinct project_id from webhook_endpoint",
    "cross join lateral (\n                select coalesce(sum(cardinality(objects)), 0)",
    "with taken as (\n            delete from event_outbox",
];
