//! A new database, which Postgres has not analyzed yet, is as quick as others.

use serde_json::json;
use sqlx::PgConnection;

use crate::support::app::{App, PAYMENTS};
use crate::support::wait::until;

/// How often sessions that have ended have read the key of payments, and all other indexes of them.
async fn scans(session: &mut PgConnection) -> (i64, i64) {
    let query = "select coalesce(sum(idx_scan) filter (where indexrelname = 'payment_pkey'), 0)::bigint,
                        coalesce(sum(idx_scan) filter (where indexrelname <> 'payment_pkey'), 0)::bigint
                 from pg_stat_user_indexes where relname = 'payment'";
    sqlx::query_as(query).fetch_one(session).await.expect("counted")
}

#[tokio::test]
async fn payments_are_found_by_their_key_from_the_first_one_on() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let mut session = app.connect().await;
    sqlx::raw_sql("alter table payment set (autovacuum_enabled = off)").execute(&mut session).await.expect("altered");
    for _ in 0..20 {
        let created = app.create(&tenant, &json!({ "line_items": [{ "name": "Rent" }, { "name": "Water" }] })).await;
        let id = created.json()["id"].as_str().expect("an id").to_owned();
        assert_eq!(app.get(&tenant, &format!("{PAYMENTS}/{id}")).await.status, 200);
    }
    app.database.close().await;
    // The foreign key of each line item, and each read.
    until("each look-up used the key", async || scans(&mut session).await.0 >= 60).await;
    assert_eq!(scans(&mut session).await.1, 0, "another index");
}
