//! The three statements that store payments, with and without software behind the connection: each writes the same rows.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use unibooks::accounting::payments::PaymentData;
use unibooks::accounting::payments::payment::{IdempotencyClaim, PaymentInsert, Stamp};
use unibooks::accounting::payments::store::{insert, insert_on_node};
use unibooks::auth::{Scoped, Worker};
use unibooks::domain::{Clock, Warning};
use unibooks::http::request::json::parse;

use super::distinct_values::payment;
use crate::support::app::{App, Tenant, unlimited};

/// All rows of a connection, but for its own id.
const ROWS: &str = "
    select jsonb_build_object(
        'payments', (select jsonb_agg(to_jsonb(row) - 'connection_id' order by id) from payment row
                     where connection_id = $1),
        'line items', (select jsonb_agg(to_jsonb(row) - 'connection_id' order by payment_id, position)
                       from payment_line_item row where connection_id = $1),
        'writes', (select jsonb_agg(to_jsonb(row) - 'connection_id' order by payment_id) from remote_write row
                   where connection_id = $1))";

async fn rows(app: &App, tenant: &Tenant) -> Value {
    let query = sqlx::query_scalar(ROWS).bind(tenant.connection_id.0);
    query.fetch_one(&mut app.connect().await).await.expect("rows")
}

fn noon() -> DateTime<Utc> {
    "2026-06-15T12:00:00Z".parse().expect("a time")
}

/// Payments with all members, of a connection with software. The last one's key is that of the first.
fn inserts(app: &App, tenant: &Tenant) -> Vec<Scoped<PaymentInsert>> {
    let scope = Worker::from_app(app.database.clone()).job(tenant.project_id, tenant.connection_id).scope().clone();
    let bodies = [payment(1, 10), payment(2, 20), payment(3, 30)];
    let inserts = bodies.iter().zip(["key 1", "key 2", "key 1"]).map(|(body, key)| {
        let body = parse::<PaymentData>(body.to_string().as_bytes(), &unlimited().limits()).expect("a payment");
        let claim = IdempotencyClaim::new(key.parse().expect("a key"), &body.value, false).expect("a claim");
        let warnings = vec![Warning { code: key.to_owned(), pointer: "/x".to_owned(), detail: "odd".to_owned() }];
        PaymentInsert { data: Box::new(body.value), warnings, claim: Some(claim) }
    });
    inserts.map(|value| Scoped { scope: scope.clone(), value }).collect()
}

#[tokio::test]
async fn node_of_citus_stores_what_a_plain_postgres_stores() {
    let app = App::new().await;
    let (plain, node) = (app.tenant().await, app.tenant().await);
    let stamps = Stamp::series(noon(), 3);
    let mut session = app.connect().await;
    for time_is_left in [false, true] {
        let not_after = Clock::system().now() + TimeDelta::minutes(if time_is_left { 1 } else { -1 });
        let plain_rows = inserts(&app, &plain);
        let plain_rows: Vec<_> = plain_rows.iter().collect();
        let on_plain = insert(&plain_rows, &stamps, not_after, &mut session).await.expect("inserted");
        let of_the_node = inserts(&app, &node);
        let of_the_node: Vec<_> = of_the_node.iter().collect();
        let node_result = insert_on_node(&of_the_node, &stamps, not_after, &mut session).await.expect("inserted");
        assert_eq!((on_plain.is_late, node_result.is_late), (!time_is_left, !time_is_left));
        assert_eq!(on_plain.ids, node_result.ids);
        assert_eq!(on_plain.ids.len(), if time_is_left { 2 } else { 0 }, "one key is taken");
        let stored = rows(&app, &plain).await;
        assert_eq!(stored["payments"].as_array().map(Vec::len), time_is_left.then_some(2), "{stored:#}");
        assert_eq!(rows(&app, &node).await, stored);
    }
}

#[tokio::test]
async fn payment_alone_is_stored_as_among_others() {
    let app = App::new().await;
    let (alone, among) = (app.tenant().await, app.tenant().await);
    let stamps = Stamp::series(noon(), 1);
    let mut session = app.connect().await;
    let not_after = Clock::system().now() + TimeDelta::minutes(1);
    let mut of_alone = inserts(&app, &alone).remove(0);
    of_alone.value.data.line_items.truncate(1);
    let mut of_among = inserts(&app, &among).remove(0);
    of_among.value.data.line_items.truncate(1);
    insert(&[&of_alone], &stamps, not_after, &mut session).await.expect("inserted");
    insert_on_node(&[&of_among], &stamps, not_after, &mut session).await.expect("inserted");
    assert_eq!(rows(&app, &alone).await, rows(&app, &among).await);
}

#[tokio::test]
async fn payment_begins_its_write_where_there_is_software() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let of_software = inserts(&app, &tenant);
    let of_software: Vec<_> = of_software.iter().collect();
    let stamps = Stamp::series(noon(), 3);
    let not_after = Clock::system().now() + TimeDelta::minutes(1);
    let mut session = app.connect().await;
    insert(&of_software, &stamps, not_after, &mut session).await.expect("inserted");
    let writes = |stamps: &[Stamp]| -> Value {
        let write = |stamp: &Stamp| {
            let time = stamp.time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true).replace('Z', "+00:00");
            json!({ "payment_id": stamp.id.0, "state": "pending", "attempts": 0, "due_at": time.clone(),
                    "created_at": time.clone(), "modified_at": time })
        };
        stamps.iter().map(write).collect()
    };
    let mut stored = rows(&app, &tenant).await["writes"].take();
    for write in stored.as_array_mut().expect("writes") {
        let write = write.as_object_mut().expect("a row");
        write.retain(|_, value| !value.is_null());
        for time in ["due_at", "created_at", "modified_at"] {
            let at: DateTime<Utc> = write[time].as_str().expect("a time").parse().expect("a time");
            write[time] = json!(at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true).replace('Z', "+00:00"));
        }
    }
    assert_eq!(stored, writes(&stamps[..2]));

    let without = app.tenant().await;
    app.create(&without, &payment(1, 10)).await;
    assert_eq!(rows(&app, &without).await["writes"], Value::Null);
}
