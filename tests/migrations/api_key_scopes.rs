//! API keys that were created before keys had scopes, or by a server of that version beside this one.

use super::support::postgres;
use super::{ROWS, connect, execute, migrate, up_to};

/// The first migration with scopes.
const SCOPES: i64 = 20_261_128_000_001;

/// A key as the version before scopes creates it.
fn old_insert(name: &str, read_only: bool) -> String {
    format!(
        "insert into api_key (id, project_id, name, secret_hash, hint, read_only, created_at)
         values (gen_random_uuid(), '00000000-0000-0000-0000-000000000001', '{name}', sha256('{name}'), 'abcd',
                 {read_only}, '2024-01-01Z')"
    )
}

#[tokio::test]
async fn older_keys_keep_what_they_could_do_and_no_more() {
    let options = postgres::empty().await;
    let mut connection = connect(&options).await;
    let before = ROWS.iter().position(|(version, _)| *version == SCOPES).expect("the migration");
    up_to(&mut connection, before).await;
    execute(&mut connection, "delete from api_key".to_owned()).await;
    execute(&mut connection, old_insert("migrated", false)).await;
    execute(&mut connection, old_insert("migrated reader", true)).await;
    migrate(&postgres::pool(options).await).await.expect("migrated");
    execute(&mut connection, old_insert("old server", false)).await;
    execute(&mut connection, old_insert("old reader", true)).await;

    let query = "select name, scopes, read_only from api_key order by name";
    let keys: Vec<(String, Vec<String>, bool)> = sqlx::query_as(query).fetch_all(&mut connection).await.expect("keys");
    let keys: Vec<_> = keys.iter().map(|(name, scopes, read_only)| (&**name, scopes.join(" "), *read_only)).collect();
    let (reader, writer) = ("payments:read", "payments:read payments:write");
    let expected = [
        ("migrated", writer.to_owned(), false),
        ("migrated reader", reader.to_owned(), true),
        ("old reader", reader.to_owned(), true),
        ("old server", writer.to_owned(), false),
    ];
    assert_eq!(keys, expected);
}

#[tokio::test]
async fn scopes_and_read_only_cannot_disagree() {
    let mut connection = connect(&postgres::empty().await).await;
    up_to(&mut connection, ROWS.len()).await;
    for wrong in ["read_only = not read_only", "scopes = '{}'", "scopes = '{payments:read,null}'"] {
        let statement = format!("update api_key set {wrong}");
        let result = sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await;
        assert!(result.is_err_and(|error| error.to_string().contains("api_key_")), "{wrong}");
    }
}
