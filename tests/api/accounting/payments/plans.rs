//! The plans of Postgres for lists, as `auto_explain` reports them for the server's own statements. For every filter,
//! Postgres scans one index, reads a bounded number of payments, and sorts nothing.

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use unibooks::domain::Clock;

use super::list::page;
use crate::support::app::{App, Tenant};
use crate::support::logs::Logs;
use crate::support::postgres;
use crate::support::seed::{self, created_at};

/// The bound in the store, and one payment that Postgres reads ahead.
const SCAN_LIMIT: u64 = 10_001;

/// Filters with many, few and no matches, each with the index that serves it.
const FILTERS: &[(&str, &[&str])] = &[
    (
        "payment_pkey",
        &[
            "",
            "created_after=2024-01-01T00:00:10Z&created_before=2024-01-01T00:00:12Z",
            "created_after=2031-01-01",
            "created_before=1999-01-01",
            "account_id=00000000-0000-0000-0000-000000000001",
            "account_id=00000000-0000-0000-0000-000000000002",
            "account_id=00000000-0000-0000-0000-000000000009",
            "currency=EUR",
            "currency=EUR&order=desc",
            "currency=JPY",
            "currency=USD",
            "type=Common",
            "type=Rare",
            "type=None",
            "remote_status=none",
        ],
    ),
    (
        "payment_accounting_date",
        &[
            "transaction_date_from=2024-01-01",
            "transaction_date_from=2024-01-01&transaction_date_to=2024-01-01&order=desc",
            "transaction_date_after=2024-01-01",
            "transaction_date_after=2024-01-01T00:00:05Z&transaction_date_before=2024-01-01T00:00:06Z",
            "transaction_date_after=2031-01-01",
            "transaction_date_before=1999-01-01",
            "transaction_date_from=2024-01-01&currency=JPY&order=desc",
            "transaction_date_from=2024-01-01&contact_id=00000000-0000-0000-0000-000000000002",
            "transaction_date_from=2024-01-01&modified_after=2024-01-01",
        ],
    ),
    (
        "payment_modified_at",
        &[
            "modified_after=2024-01-01",
            "modified_from=2024-01-01&modified_to=2024-01-01&order=desc",
            "modified_after=2031-01-01",
            "modified_before=1999-01-01",
            "modified_from=2024-01-01&type=Rare",
        ],
    ),
    (
        "payment_invoice",
        &[
            "invoice_id=00000000-0000-0000-0000-000000012000",
            "invoice_id=00000000-0000-0000-0000-ffffffffffff",
            // The first of these filters that is given selects the index.
            "invoice_id=00000000-0000-0000-0000-000000012000&contact_id=00000000-0000-0000-0000-000000000001",
        ],
    ),
    (
        "payment_contact",
        &[
            "contact_id=00000000-0000-0000-0000-000000000001",
            "contact_id=00000000-0000-0000-0000-000000000002",
            "contact_id=00000000-0000-0000-0000-000000000009",
            "contact_id=00000000-0000-0000-0000-000000000001&currency=USD",
        ],
    ),
    ("payment_remote", &["remote_id=remote-12000", "remote_id=none", "remote_id=remote-10&currency=EUR&type=Common"]),
    (
        "payment_remote_status",
        &[
            "remote_status=applied",
            "remote_status=applied&order=desc",
            "remote_status=rejected&currency=JPY",
            "remote_status=voided",
        ],
    ),
    ("payment_idempotency_key", &["idempotency_key=key-12000", "idempotency_key=none", "idempotency_key=key-1&type=x"]),
];

/// A server on a database that reports the plan of every statement to its session.
async fn explained() -> App {
    let options = postgres::migrated().await;
    let mut connection = PgConnection::connect_with(&options).await.expect("connected");
    let name = options.get_database().expect("a name").to_owned();
    let set = |setting: &str| format!("alter database {name} set {setting};");
    let settings = [
        "session_preload_libraries = 'auto_explain'",
        "auto_explain.log_min_duration = 0",
        "auto_explain.log_analyze = on",
        "auto_explain.log_timing = off",
        "auto_explain.log_buffers = on",
        "auto_explain.log_format = json",
        "auto_explain.log_level = notice",
    ];
    let statements = format!("load 'auto_explain'; {}", settings.map(set).concat());
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await.expect("auto_explain of postgres-contrib");
    App::on(options, Clock::system()).await
}

/// A node of a plan and all nodes below it.
fn nodes(plan: &Value) -> Vec<&Value> {
    let below = plan["Plans"].as_array().into_iter().flatten();
    std::iter::once(plan).chain(below.flat_map(nodes)).collect()
}

/// The only plan for a list of payments that was logged since the last call.
fn plan(logs: &Logs) -> Value {
    let lines = logs.lines();
    logs.clear();
    let messages = lines.iter().filter_map(|line| line["message"].as_str());
    let mut plans: Vec<Value> = messages
        .filter_map(|message| serde_json::from_str(message.split_once("plan:\n")?.1).ok())
        .filter(|plan: &Value| plan["Query Text"].as_str().is_some_and(|text| text.contains("is_scan_end")))
        .collect();
    assert_eq!(plans.len(), 1, "one statement a page; {lines:#?}");
    plans.remove(0)["Plan"].take()
}

fn assert_bounded(plan: &Value, index: &str, what: &str) {
    let nodes = nodes(plan);
    let kinds: Vec<_> = nodes.iter().map(|node| node["Node Type"].as_str().expect("a kind")).collect();
    for node in &nodes {
        // Reading the one payment of a key costs nothing.
        let is_one = node["Node Type"] == "Incremental Sort" && index == "payment_idempotency_key";
        let is_sort = ["Sort", "Incremental Sort"].iter().any(|kind| node["Node Type"] == *kind);
        assert!(!is_sort || is_one && node["Actual Rows"].as_f64() <= Some(1.0), "{what} sorts: {plan:#}");
    }
    assert!(kinds.iter().all(|kind| !kind.contains("Seq Scan") && !kind.contains("Bitmap")), "{what}: {plan:#}");

    let scans = |table: &str| nodes.iter().filter(|node| node["Relation Name"] == table).copied().collect::<Vec<_>>();
    let [payments] = scans("payment")[..] else { panic!("{what} reads payments once: {plan:#}") };
    assert_eq!(payments["Index Name"], index, "{what}: {plan:#}");
    let rows = |member: &str| payments[member].as_f64().map_or(0, |rows| format!("{rows:.0}").parse().expect("whole"));
    let scanned: u64 =
        ["Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"].map(rows).iter().sum();
    assert!(scanned <= SCAN_LIMIT, "{what} scanned at {scanned}: {plan:#}");
    let [items] = scans("payment_line_item")[..] else { panic!("{what} reads line items once: {plan:#}") };
    assert_eq!(items["Index Name"], "payment_line_item_pkey", "{what}: {plan:#}");

    let blocks = ["Shared Hit Blocks", "Shared Read Blocks"].map(|member| plan[member].as_u64().expect("a number"));
    assert!(blocks.iter().sum::<u64>() <= scanned + 1_000, "{what} read {blocks:?} blocks: {plan:#}");
}

/// Reads a page, the next one, and from there the previous one. Checks the plan of each.
async fn check_next_and_previous(app: &App, tenant: &Tenant, logs: &Logs, query: &str, index: &str) {
    let mut cursor = String::new();
    for way in ["next_cursor", "prev_cursor", "none"] {
        logs.clear();
        let found = page(app, tenant, &format!("limit=50&{query}{cursor}")).await;
        assert_bounded(&plan(logs), index, &format!("{query:?}, then {way}"));
        let Some(text) = found[way].as_str() else { break };
        cursor = format!("&cursor={text}");
    }
}

#[tokio::test]
async fn lists_scan_a_bounded_number_of_rows_and_never_sort() {
    let app = explained().await;
    let (large, small, fresh) = (app.tenant().await, app.tenant().await, app.tenant().await);
    seed::payments(&app, &large, 30_000, &[29_000]).await;
    seed::payments(&app, &small, 2_000, &[1_000]).await;
    let mut connection = app.connect().await;
    sqlx::query("analyze payment, payment_line_item").execute(&mut connection).await.expect("counted");
    drop(connection);
    // The planner has no statistics about this connection and assumes that it is empty.
    seed::payments(&app, &fresh, 12_000, &[11_000]).await;

    let deep = created_at(15_000).to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let logs = Logs::catch("sqlx::postgres::notice=trace");
    for tenant in [&large, &small, &fresh] {
        for (index, queries) in FILTERS {
            for query in *queries {
                check_next_and_previous(&app, tenant, &logs, query, index).await;
                if tenant.connection_id == large.connection_id && !query.contains("created") {
                    check_next_and_previous(&app, tenant, &logs, &format!("{query}&created_after={deep}"), index).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn payment_is_read_by_one_index_scan() {
    let app = explained().await;
    let tenant = app.tenant().await;
    seed::payments(&app, &tenant, 10_000, &[]).await;
    let mut connection = app.connect().await;
    sqlx::query("analyze payment, payment_line_item").execute(&mut connection).await.expect("counted");
    drop(connection);
    let body = serde_json::json!({ "line_items": [{}, {}] });
    let id = app.create_under(&tenant, "again", &body).await.json()["id"].as_str().expect("an id").to_owned();
    let logs = Logs::catch("sqlx::postgres::notice=trace");
    app.get(&tenant, &format!("{}/{id}", crate::support::app::PAYMENTS)).await;
    assert_bounded(&plan(&logs), "payment_pkey", "one payment");
    app.create_under(&tenant, "again", &body).await;
    assert_bounded(&plan(&logs), "payment_idempotency_key", "a repetition");
}
