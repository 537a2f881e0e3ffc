//! API keys and connection tokens in the database: as hashes only, each found by a unique index.

use sha2::{Digest, Sha256};

use crate::support::app::{App, page_example};

#[tokio::test]
async fn secrets_are_stored_only_as_hashes() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    app.create_under(&tenant, "a-key", &page_example()).await;
    app.authenticator.flush_last_used().await.expect("flushed");
    let mut connection = app.connect().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "select table_name::text from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
    )
    .fetch_all(&mut connection)
    .await
    .expect("tables");
    let mut everything = String::new();
    for table in tables {
        // A row as text has all columns, `bytea` as hexadecimal digits.
        let query = sqlx::AssertSqlSafe(format!("select coalesce(string_agg(t::text, ' '), '') from \"{table}\" t"));
        everything += &sqlx::query_scalar::<_, String>(query).fetch_one(&mut connection).await.expect("rows");
    }
    let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    for secret in [&tenant.api_key, &tenant.connection_token] {
        let random = &secret[secret.len() - 38..secret.len() - 6];
        assert!(!everything.contains(random), "in plain text");
        assert!(!everything.contains(&hex(random.as_bytes())), "as bytes");
        assert!(everything.contains(&hex(&Sha256::digest(secret))), "the hash is in the rows that were read");
    }
}

#[tokio::test]
async fn hashes_of_secrets_have_a_unique_index() {
    let app = App::new().await;
    let mut connection = app.connect().await;
    for table in ["api_key", "connection"] {
        let unique: bool = sqlx::query_scalar(
            "select exists (select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
             where i.indrelid = $1::text::regclass and i.indisunique and i.indnkeyatts = 1 and a.attname = 'secret_hash')",
        )
        .bind(table)
        .fetch_one(&mut connection)
        .await
        .expect("an answer");
        assert!(unique, "{table}");
    }
}
