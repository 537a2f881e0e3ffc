//! `GET /accounting/payments` with more payments than one call scans: every match is still visited once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use unibooks::domain::Clock;
use uuid::Uuid;

use super::list::{ids, page};
use crate::support::app::{App, Tenant};
use crate::support::seed::{self, created_at};

/// Matches around the ends of one call's scan of 10,000 payments, in both directions.
const RARE: &[i64] = &[1, 2, 9_999, 10_000, 10_001, 10_002, 20_003, 20_004, 24_999];
const COUNT: i64 = 25_000;

/// The pages of a list from a cursor until the member `way` is null. `meanwhile` runs between them.
async fn walk_while(
    app: &App,
    tenant: &Tenant,
    query: &str,
    from: &Value,
    way: &str,
    meanwhile: &impl AsyncFn(),
) -> Vec<Value> {
    let mut pages = Vec::new();
    let mut cursor = from.clone();
    loop {
        assert!(pages.len() < 50, "the end is never reached");
        let place = cursor.as_str().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let next = page(app, tenant, &format!("{query}{place}")).await;
        cursor = next[way].clone();
        pages.push(next);
        if cursor.is_null() {
            return pages;
        }
        meanwhile().await;
    }
}

async fn walk(app: &App, tenant: &Tenant, query: &str, from: &Value, way: &str) -> Vec<Value> {
    walk_while(app, tenant, query, from, way, &async || ()).await
}

/// The `created_at` of all payments on these pages.
fn times<'a>(pages: impl IntoIterator<Item = &'a Value>) -> Vec<DateTime<Utc>> {
    let data = pages.into_iter().flat_map(|page| page["data"].as_array().expect("data"));
    data.map(|payment| payment["created_at"].as_str().expect("a time").parse().expect("a time")).collect()
}

async fn filled() -> (App, Tenant) {
    let app = App::new().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    seed::payments(&app, &other, 100, &[1, 50, 100]).await;
    seed::payments(&app, &tenant, COUNT, RARE).await;
    (app, tenant)
}

#[tokio::test]
async fn rare_matches_are_visited_once_in_both_directions() {
    let (app, tenant) = filled().await;
    let expected: Vec<_> = RARE.iter().copied().map(created_at).collect();
    for filter in ["currency=JPY", "type=Rare", "account_id=00000000-0000-0000-0000-000000000002"] {
        for limit in [1, 4, 9] {
            let query = format!("{filter}&limit={limit}");
            let forward = walk(&app, &tenant, &query, &Value::Null, "next_cursor").await;
            assert_eq!(times(&forward), expected, "forward, {query}");
            assert!(forward.len() >= 3, "one call scans at most 10,000 payments");

            let last = forward.last().expect("a page");
            let backward = walk(&app, &tenant, &query, &last["prev_cursor"], "prev_cursor").await;
            let end = times([last]);
            assert_eq!([times(backward.iter().rev()), end].concat(), expected, "backward, {query}");
        }
    }
}

#[tokio::test]
async fn page_without_a_match_leads_on_and_back() {
    let (app, tenant) = filled().await;
    let none = walk(&app, &tenant, "currency=USD", &Value::Null, "next_cursor").await;
    assert_eq!(none.len(), 3, "25,000 payments take three calls");
    assert!(none.iter().all(|page| ids(page).is_empty()));
    assert_eq!(none[2]["next_cursor"], Value::Null);

    // The 10,000 payments from 10,003 on do not match. From there both cursors lead to the matches on either side.
    let query = format!("currency=JPY&created_after={}&limit=1", json!(created_at(2)).as_str().expect("a time"));
    let pages = walk(&app, &tenant, &query, &Value::Null, "next_cursor").await;
    let empty = pages.iter().position(|page| ids(page).is_empty()).expect("a page without a match");
    let before = walk(&app, &tenant, &query, &pages[empty]["prev_cursor"], "prev_cursor").await;
    assert_eq!(times(before.iter().rev()), times(&pages[..empty]));
    let after = walk(&app, &tenant, &query, &before[0]["next_cursor"], "next_cursor").await;
    assert_eq!(times(&after), times(&pages[empty..]));
}

#[tokio::test]
async fn last_scanned_payment_may_lack_the_filtered_member() {
    let (app, tenant) = filled().await;
    let query = "transaction_date_from=2024-01-01&contact_id=00000000-0000-0000-0000-000000000002";
    let forward = walk(&app, &tenant, query, &Value::Null, "next_cursor").await;
    assert_eq!(times(&forward).len(), 25);
    // Payment 24,999 has no contact and is scanned last.
    let query = format!("{query}&order=desc&limit=200");
    let backward = walk(&app, &tenant, &query, &Value::Null, "next_cursor").await;
    assert_eq!(times(&backward).len(), 25);
    let last = backward.last().expect("a page");
    let back = walk(&app, &tenant, &query, &last["prev_cursor"], "prev_cursor").await;
    assert_eq!([times(back.iter().rev()), times([last])].concat(), times(&backward));
}

#[tokio::test]
async fn payments_created_while_paging_come_last() {
    let (app, tenant) = filled().await;
    let calls = AtomicI64::new(0);
    let create = async || {
        // Only three times, so that the walk reaches an end.
        if calls.fetch_add(1, Ordering::Relaxed) < 3 {
            app.create(&tenant, &json!({ "currency": "JPY" })).await;
            app.create(&tenant, &json!({ "currency": "EUR" })).await;
        }
    };
    let pages = walk_while(&app, &tenant, "currency=JPY&limit=4", &Value::Null, "next_cursor", &create).await;
    let visited = times(&pages);
    let expected: Vec<_> = RARE.iter().copied().map(created_at).collect();
    assert_eq!(visited[..RARE.len()], expected);
    let created = calls.load(Ordering::Relaxed).min(3);
    assert!(created > 1);
    assert_eq!(visited.len(), RARE.len() + usize::try_from(created).expect("few"), "each new one once");
    assert!(visited.is_sorted());
}

#[tokio::test]
async fn indexed_filter_scans_only_its_own_payments() {
    let (app, tenant) = filled().await;
    for (query, count) in [
        ("contact_id=00000000-0000-0000-0000-000000000002&limit=200", 25),
        ("invoice_id=00000000-0000-0000-0000-000000012000&limit=200", 2),
        ("remote_id=remote-24990", 1),
        ("idempotency_key=key-24999", 1),
        // Payments with other keys are not scanned, so their number does not matter.
        ("idempotency_key=key-24999&currency=EUR", 0),
        ("contact_id=00000000-0000-0000-0000-000000000002&type=Rare", 1),
    ] {
        let only = page(&app, &tenant, query).await;
        assert_eq!(ids(&only).len(), count, "{query}");
        assert_eq!(only["next_cursor"], Value::Null, "{query}");
    }
}

/// A server whose clock moves on by a microsecond with each reading, over the end of a millisecond.
async fn by_microseconds() -> (App, Tenant, Vec<DateTime<Utc>>) {
    let micros = Arc::new(AtomicI64::new(1_718_452_800_000_990));
    let read = Arc::clone(&micros);
    let clock = Clock::new(move || DateTime::from_timestamp_micros(read.load(Ordering::Relaxed)).expect("in range"));
    let app = App::with_clock(clock).await;
    let tenant = app.tenant().await;
    let mut created = Vec::new();
    for _ in 0..20 {
        let answer = app.create(&tenant, &json!({})).await.json();
        created.push(answer["created_at"].as_str().expect("a time").parse().expect("a time"));
        micros.fetch_add(1, Ordering::Relaxed);
    }
    (app, tenant, created)
}

#[tokio::test]
async fn ids_are_in_order_of_created_at_to_the_microsecond() {
    let (app, tenant, created) = by_microseconds().await;
    let all = page(&app, &tenant, "").await;
    assert_eq!(times([&all]), created);
    assert!(ids(&all).is_sorted(), "{:?}", ids(&all));
}

#[tokio::test]
async fn created_bounds_are_exact_to_the_microsecond() {
    let (app, tenant, created) = by_microseconds().await;
    for ids in ["as this version makes them", "random within their millisecond, as earlier versions made them"] {
        for bound in 0..created.len() {
            let moment = created[bound].to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
            let mut after = times([&page(&app, &tenant, &format!("created_after={moment}")).await]);
            let mut before = times([&page(&app, &tenant, &format!("created_before={moment}")).await]);
            after.sort();
            before.sort();
            assert_eq!((&*before, &*after), (&created[..bound], &created[bound + 1..]), "{moment}, ids {ids}");
        }
        let mut connection = app.connect().await;
        for moment in &created {
            let random = Uuid::new_v7(uuid::Timestamp::from_unix(
                uuid::NoContext,
                u64::try_from(moment.timestamp()).expect("after 1970"),
                moment.timestamp_subsec_nanos(),
            ));
            sqlx::query("update payment set id = $1 where connection_id = $2 and created_at = $3")
                .bind(random)
                .bind(tenant.connection_id.0)
                .bind(moment)
                .execute(&mut connection)
                .await
                .expect("another id");
        }
    }
}
