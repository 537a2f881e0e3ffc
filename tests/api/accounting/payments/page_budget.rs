//! `GET /accounting/payments` with large payments: a page ends at a number of line items and of bytes.

use serde_json::{Value, json};

use super::list::{ids, page};
use crate::support::app::{App, Tenant};

/// The line items of a page (`store/budget.rs`).
const MAX_LINE_ITEMS: usize = 2_000;
/// The bytes of text of a page (`store/budget.rs`).
const MAX_TEXT_BYTES: usize = 1_048_576;

async fn create(app: &App, tenant: &Tenant, body: &Value) -> String {
    let answer = app.create(tenant, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["id"].as_str().expect("an id").to_owned()
}

fn items(count: usize) -> Value {
    json!({ "line_items": vec![json!({}); count] })
}

/// The ids on each page of a list, from its beginning to its end.
async fn pages(app: &App, tenant: &Tenant, query: &str) -> Vec<Vec<String>> {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let found = page(app, tenant, &format!("{query}{cursor}")).await;
        pages.push(ids(&found));
        assert!(pages.len() < 50, "the end is never reached");
        let Some(next) = found["next_cursor"].as_str() else { return pages };
        cursor = format!("&cursor={next}");
    }
}

fn lengths(pages: &[Vec<String>]) -> Vec<usize> {
    pages.iter().map(Vec::len).collect()
}

#[tokio::test]
async fn page_ends_at_2000_line_items() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let mut created = Vec::new();
    for count in [1_000, 999, 1, 1, 0, 1_000, 1_000, 1_000, 0, 0] {
        created.push(create(&app, &tenant, &items(count)).await);
    }
    let forward = pages(&app, &tenant, "limit=200").await;
    assert_eq!(lengths(&forward), [3, 3, 4], "{MAX_LINE_ITEMS} line items, or the next payment would be too much");
    assert_eq!(forward.concat(), created, "each payment once");

    let backward = pages(&app, &tenant, "limit=200&order=desc").await;
    created.reverse();
    assert_eq!(backward.concat(), created);
    assert_eq!(lengths(&backward), [4, 4, 2]);
    let by_date = pages(&app, &tenant, "limit=200&modified_after=2020-01-01").await;
    assert_eq!(lengths(&by_date), lengths(&forward));
}

#[tokio::test]
async fn paging_back_over_short_pages_shows_each_payment_once() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for _ in 0..5 {
        create(&app, &tenant, &items(1_000)).await;
    }
    let first = page(&app, &tenant, "").await;
    let second = page(&app, &tenant, &format!("cursor={}", first["next_cursor"].as_str().expect("more"))).await;
    let third = page(&app, &tenant, &format!("cursor={}", second["next_cursor"].as_str().expect("more"))).await;
    assert_eq!((ids(&third).len(), &third["next_cursor"]), (1, &Value::Null));
    let back = page(&app, &tenant, &format!("cursor={}", third["prev_cursor"].as_str().expect("more"))).await;
    assert_eq!(ids(&back), ids(&second));
    let front = page(&app, &tenant, &format!("cursor={}", back["prev_cursor"].as_str().expect("more"))).await;
    assert_eq!((ids(&front), &front["prev_cursor"]), (ids(&first), &Value::Null));
}

#[tokio::test]
async fn page_ends_at_one_mebibyte_of_text() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let mut created = Vec::new();
    let field = |bytes: usize| json!({ "field_mappings": { "a": "x".repeat(bytes) } });
    // Each character has two bytes.
    let texts = json!({ "line_items": vec![json!({ "name": "ü".repeat(1_000), "type": "ü".repeat(1_000) }); 100] });
    for _ in 0..20 {
        created.push(create(&app, &tenant, &field(60_000)).await);
    }
    for _ in 0..4 {
        created.push(create(&app, &tenant, &texts).await);
    }
    let found = pages(&app, &tenant, "limit=200").await;
    assert_eq!(lengths(&found), [17, 5, 2], "at most {MAX_TEXT_BYTES} bytes");
    assert_eq!(found.concat(), created, "each payment once");
}

#[tokio::test]
async fn payment_above_the_budget_is_a_page_alone() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let mut created = Vec::new();
    for _ in 0..3 {
        created.push(create(&app, &tenant, &items(1)).await);
    }
    let mut connection = app.connect().await;
    sqlx::query(
        "insert into payment_line_item (connection_id, payment_id, position, created_at, modified_at)
         select connection_id, id, n, created_at, modified_at from payment, generate_series(1, 2500) n where id = $1",
    )
    .bind(created[1].parse::<uuid::Uuid>().expect("an id"))
    .execute(&mut connection)
    .await
    .expect("more line items");
    let found = pages(&app, &tenant, "limit=200").await;
    assert_eq!(lengths(&found), [1, 1, 1]);
    assert_eq!(found.concat(), created);
}
