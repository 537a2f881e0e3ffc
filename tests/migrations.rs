//! Migrations on databases with rows, from each state that a database in use can have.

#[path = "migrations/api_key_scopes.rs"]
mod api_key_scopes;
#[path = "migrations/beside_traffic.rs"]
mod beside_traffic;
#[path = "migrations/events.rs"]
mod events;
#[path = "migrations/software.rs"]
mod software;
mod support;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use sqlx::migrate::{Migrate, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use support::logs::Logs;
use support::postgres;
use unibooks::db::{TABLES, migrate, prepare};
use unibooks::domain::Clock;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// For each migration, the rows of a database that has reached it: in every table that exists by then, with every column
/// set. A new migration without rows here fails.
const ROWS: &[(i64, &str)] = &[
    (20_260_101_000_000, CALLERS),
    (20_260_101_000_001, PAYMENTS),
    (20_261_125_000_001, ONLY_TRIGGERS),
    (20_261_125_000_002, ONLY_INDEXES),
    (20_261_126_000_001, ONLY_INDEXES),
    (20_261_126_000_002, ONLY_INDEXES),
    (20_261_128_000_001, API_KEY_SCOPES),
    (20_261_129_000_001, ONLY_A_FUNCTION),
    (20_261_201_000_001, software::NOTHING),
    (20_261_201_000_002, software::CONNECTION),
    (20_261_201_000_003, software::STATUS),
    (20_261_201_000_004, ONLY_INDEXES),
    (20_261_201_000_005, software::WRITES),
    (20_261_201_000_006, software::ATTEMPTS),
    (20_261_201_000_007, software::REFERENCES),
    (20_261_201_000_020, ONLY_A_FUNCTION),
    (20_261_202_000_001, ONLY_INDEXES),
    (20_261_202_000_002, ONLY_INDEXES),
    (20_261_202_000_003, ONLY_INDEXES),
    (20_261_202_000_004, ONLY_INDEXES),
    (20_261_202_000_005, software::PULLS),
    (20_261_202_000_006, software::PULL_PROGRESS),
    (20_261_203_000_001, software::FAILURES),
    (20_261_203_000_002, software::RETRIED),
    (20_261_203_000_003, ONLY_INDEXES),
    (20_261_204_000_001, events::EVENTS),
    (20_261_204_000_002, ONLY_A_FUNCTION),
    (20_261_205_000_001, events::ENDPOINTS),
    (20_261_206_000_001, events::DELIVERIES),
    (20_261_207_000_001, software::REMOTE_PAYMENTS),
    (20_261_209_000_001, ONLY_INDEXES),
    (20_261_210_000_001, ONLY_INDEXES),
    (20_261_211_000_001, ONLY_STORAGE),
];

const CALLERS: &str = "
    insert into project (id, name, created_at) values ('00000000-0000-0000-0000-000000000001', 'Books', '2024-01-01Z');
    insert into api_key (id, project_id, name, secret_hash, hint, read_only, created_at, expires_at, revoked_at,
                         last_used_at)
    values ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001', 'Key',
            sha256('key'), 'abcd', false, '2024-01-01Z', '2030-01-01Z', '2029-01-01Z', '2024-02-01Z');
    insert into connection (id, project_id, label, provider, secret_hash, hint, created_at, expires_at, revoked_at,
                            last_used_at)
    values ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000001', 'Connection', 'none',
            sha256('token'), 'efgh', '2024-01-01Z', '2030-01-01Z', '2029-01-01Z', '2024-02-01Z');
";

const PAYMENTS: &str = "
    insert into payment
    values ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000004', '2024-01-01Z',
            '2024-01-02Z', gen_random_uuid(), '2024-01-03Z', -300, gen_random_uuid(), gen_random_uuid(), 'USD', '1.20',
            10000, 'Credit Card', gen_random_uuid(), gen_random_uuid(), array[gen_random_uuid()], '{\"a\": 1.50}',
            'payment_1234', '2024-01-04Z', '{\"raw\": null}',
            '[{\"code\": \"unknown_member\", \"pointer\": \"/x\", \"detail\": \"ignored\"}]', 'key', sha256('request'));
    insert into payment_line_item
    values ('00000000-0000-0000-0000-000000000003', '00000000-0000-0000-0000-000000000004', 0, 'Net Income', 100,
            'Operating', 'parent', 'remote', '2024-01-05Z', gen_random_uuid(), '2024-01-06Z', '2024-01-07Z', 50,
            '2024-01-08Z', 60, gen_random_uuid(), 'invoice');
";

const ONLY_TRIGGERS: &str = "";
const ONLY_INDEXES: &str = "";
const ONLY_STORAGE: &str = "";
const ONLY_A_FUNCTION: &str = "";

const API_KEY_SCOPES: &str = "
    insert into api_key (id, project_id, name, secret_hash, hint, scopes, read_only, created_at)
    values ('00000000-0000-0000-0000-000000000005', '00000000-0000-0000-0000-000000000001', 'Feed',
            sha256('feed'), 'ijkl', '{accounting:read,webhooks:write}', true, '2024-01-01Z');
";

async fn connect(options: &PgConnectOptions) -> PgConnection {
    PgConnection::connect_with(options).await.expect("connected")
}

async fn execute(connection: &mut PgConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql.clone()))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{error}: {sql}"));
}

async fn tables(connection: &mut PgConnection) -> BTreeSet<String> {
    let query = "select table_name::text from information_schema.tables where table_schema = 'public'";
    let names: Vec<String> = sqlx::query_scalar(query).fetch_all(connection).await.expect("names");
    names.into_iter().filter(|name| name != "_sqlx_migrations").collect()
}

/// All rows of a table as JSON, and the columns that are null in all of them.
async fn contents(connection: &mut PgConnection, table: &str) -> (Vec<serde_json::Value>, BTreeSet<String>) {
    let query = format!("select to_jsonb(t) from {table} t order by 1");
    let rows: Vec<serde_json::Value> =
        sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(connection).await.expect("rows");
    let mut nulls: Option<BTreeSet<String>> = None;
    for row in rows.iter().filter_map(serde_json::Value::as_object) {
        let here = row.iter().filter(|(_, value)| value.is_null()).map(|(name, _)| name.clone()).collect();
        nulls = Some(nulls.map_or_else(|| BTreeSet::clone(&here), |all| all.intersection(&here).cloned().collect()));
    }
    (rows, nulls.unwrap_or_default())
}

/// Applies the first `count` migrations, each followed by its rows.
async fn up_to(connection: &mut PgConnection, count: usize) {
    connection.ensure_migrations_table("_sqlx_migrations").await.expect("the table of migrations");
    for (migration, (version, rows)) in MIGRATIONS.iter().zip(ROWS).take(count) {
        assert_eq!(migration.version, *version, "the rows are in the order of the migrations");
        connection.apply("_sqlx_migrations", migration).await.expect("applied");
        execute(connection, (*rows).to_owned()).await;
    }
}

#[test]
fn every_migration_has_its_rows() {
    let versions: Vec<_> = MIGRATIONS.iter().map(|migration| migration.version).collect();
    let with_rows: Vec<_> = ROWS.iter().map(|(version, _)| *version).collect();
    assert_eq!(with_rows, versions, "add to ROWS what a database holds after the new migration");
}

#[test]
fn migrations_go_forward_only() {
    for migration in MIGRATIONS.iter() {
        assert!(!migration.migration_type.is_down_migration(), "{}", migration.description);
    }
}

#[tokio::test]
async fn rows_fill_every_table_and_every_column() {
    let options = postgres::empty().await;
    let mut connection = connect(&options).await;
    up_to(&mut connection, ROWS.len()).await;
    for table in tables(&mut connection).await {
        let (rows, nulls) = contents(&mut connection, &table).await;
        assert!(!rows.is_empty(), "{table} is empty: a migration of it would be tried on nothing");
        assert_eq!(nulls, BTreeSet::new(), "{table}: columns that no row sets");
    }
}

#[tokio::test]
async fn start_checks_the_rights_to_every_table() {
    let mut connection = connect(&postgres::migrated().await).await;
    let mut expected = tables(&mut connection).await;
    expected.insert("_sqlx_migrations".to_owned());
    let looked_at: BTreeSet<_> = TABLES.iter().map(|(table, _)| (*table).to_owned()).collect();
    assert_eq!(looked_at, expected, "src/db/requirements.rs: what the server does with each table");
}

#[tokio::test]
async fn clocks_more_than_five_seconds_apart_are_warned_about() {
    let database = postgres::database().await;
    for (seconds, warnings) in [(0, 0), (60, 1), (-60, 1)] {
        let logs = Logs::catch("unibooks=info");
        let clock = Clock::new(move || Clock::system().now() + TimeDelta::seconds(seconds));
        prepare(&database, &clock).await.expect("prepared");
        let found = logs.text().matches("the clock of the database differs").count();
        assert_eq!(found, warnings, "{seconds}: {}", logs.text());
    }
}

#[tokio::test]
async fn every_older_schema_is_migrated_with_its_rows() {
    for count in 0..=ROWS.len() {
        let options = postgres::empty().await;
        let mut connection = connect(&options).await;
        up_to(&mut connection, count).await;
        let mut before = Vec::new();
        for table in tables(&mut connection).await {
            let (rows, _) = contents(&mut connection, &table).await;
            before.push((table, rows.len()));
        }
        migrate(&postgres::pool(options.clone()).await).await.unwrap_or_else(|error| panic!("from {count}: {error:#}"));
        for (table, rows) in before {
            let (after, _) = contents(&mut connection, &table).await;
            assert_eq!(after.len(), rows, "{table}, from {count} migrations");
        }
        let fresh = tables(&mut connect(&postgres::migrated().await).await).await;
        assert_eq!(tables(&mut connection).await, fresh, "from {count} migrations");
    }
}

#[tokio::test]
async fn second_migration_changes_nothing() {
    let options = postgres::migrated().await;
    let mut connection = connect(&options).await;
    let applied = "select version, installed_on::text from _sqlx_migrations order by version";
    let before: Vec<(i64, String)> = sqlx::query_as(applied).fetch_all(&mut connection).await.expect("versions");
    migrate(&postgres::pool(options).await).await.expect("migrated");
    let after: Vec<(i64, String)> = sqlx::query_as(applied).fetch_all(&mut connection).await.expect("versions");
    assert_eq!(after, before);
}

#[tokio::test]
async fn many_servers_may_start_on_one_empty_database() {
    let options = postgres::empty().await;
    let server = async || migrate(&postgres::pool(options.clone()).await).await.map_err(|error| format!("{error:#}"));
    let ends = tokio::join!(server(), server(), server(), server());
    assert_eq!(ends, (Ok(()), Ok(()), Ok(()), Ok(())));
}

#[tokio::test]
async fn newer_database_is_refused_and_unchanged() {
    let options = postgres::migrated().await;
    let mut connection = connect(&options).await;
    let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                 values (29990101000000, 'from the future', true, '', 0)";
    execute(&mut connection, newer.to_owned()).await;
    let error = migrate(&postgres::pool(options).await).await.expect_err("refused");
    assert_eq!(
        format!("{error:#}"),
        "the database was migrated by a newer unibooks (it has migration 29990101000000, which this one does not know)"
    );
}

#[tokio::test]
async fn changed_migration_is_refused() {
    let options = postgres::migrated().await;
    let mut connection = connect(&options).await;
    execute(&mut connection, "update _sqlx_migrations set checksum = ''".to_owned()).await;
    let error = migrate(&postgres::pool(options).await).await.expect_err("refused");
    assert!(format!("{error:#}").contains("has been modified"), "{error:#}");
}
