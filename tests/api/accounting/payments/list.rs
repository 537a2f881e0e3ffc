//! `GET /accounting/payments`: order, paging, filters and refusals.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};
use insta::assert_json_snapshot;
use serde_json::{Value, json};
use unibooks::domain::Clock;
use unibooks::router;

use crate::support::app::{App, PAYMENTS, Tenant, small_payment};

/// 2024-06-15T12:00:00Z
const NOON: i64 = 1_718_452_800;

/// A clock that moves on by a second with each reading.
fn ticking_clock() -> Clock {
    let seconds = AtomicI64::new(NOON);
    Clock::new(move || DateTime::from_timestamp(seconds.fetch_add(1, Ordering::Relaxed), 0).expect("in range"))
}

/// A clock that does not move, so all payments have the same `created_at`.
fn fixed_clock() -> Clock {
    Clock::new(|| DateTime::from_timestamp(NOON, 0).expect("in range"))
}

async fn create(app: &App, tenant: &Tenant) -> String {
    app.create(tenant, &small_payment()).await.json()["id"].as_str().expect("an id").to_owned()
}

async fn create_many(app: &App, tenant: &Tenant, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(create(app, tenant).await);
    }
    ids
}

pub fn ids(page: &Value) -> Vec<String> {
    let data = page["data"].as_array().expect("data").iter();
    data.map(|payment| payment["id"].as_str().expect("an id").to_owned()).collect()
}

pub async fn page(app: &App, tenant: &Tenant, query: &str) -> Value {
    let answer = app.get(tenant, &format!("{PAYMENTS}?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

/// Follows one of the two cursors until it is null.
async fn walk(app: &App, tenant: &Tenant, limit: usize, from: Value, cursor: &str) -> Vec<Value> {
    let mut pages = vec![from];
    while let Some(next) = pages.last().and_then(|page| page[cursor].as_str()) {
        assert!(pages.len() < 50, "the end is never reached");
        let next = page(app, tenant, &format!("limit={limit}&cursor={next}")).await;
        pages.push(next);
    }
    pages
}

#[tokio::test]
async fn empty_list_has_all_three_members() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let answer = app.get(&tenant, PAYMENTS).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.text, r#"{"prev_cursor":null,"next_cursor":null,"data":[]}"#);
    create(&app, &tenant).await;
    let filtered = app.get(&tenant, &format!("{PAYMENTS}?currency=JPY")).await;
    assert_eq!(filtered.text, answer.text);
}

#[tokio::test]
async fn newest_payment_is_last() {
    let app = App::with_clock(ticking_clock()).await;
    let tenant = app.tenant().await;
    let created = create_many(&app, &tenant, 4).await;
    assert_eq!(ids(&page(&app, &tenant, "").await), created);
}

#[tokio::test]
async fn entry_of_a_list_equals_the_payment_read_by_id() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let id = app.create(&tenant, &crate::support::app::page_example()).await.json()["id"].clone();
    let alone = app.get(&tenant, &format!("{PAYMENTS}/{}", id.as_str().expect("an id"))).await.json();
    assert_eq!(page(&app, &tenant, "").await["data"], json!([alone]));
}

#[tokio::test]
async fn paging_visits_every_payment_once_in_both_directions() {
    for clock in [ticking_clock(), fixed_clock()] {
        let app = App::with_clock(clock).await;
        let tenant = app.tenant().await;
        let created: BTreeSet<_> = create_many(&app, &tenant, 6).await.into_iter().collect();
        let whole = ids(&page(&app, &tenant, "").await);
        assert_eq!(whole.iter().cloned().collect::<BTreeSet<_>>(), created);
        for limit in [1, 2, 3, 4, 6, 7] {
            let first = page(&app, &tenant, &format!("limit={limit}")).await;
            assert_eq!(first["prev_cursor"], Value::Null, "nothing is before the first page");
            let forward = walk(&app, &tenant, limit, first, "next_cursor").await;
            assert_eq!(forward.len(), 6usize.div_ceil(limit), "no page is empty, limit {limit}");
            assert_eq!(forward.iter().flat_map(ids).collect::<Vec<_>>(), whole, "forward, limit {limit}");
            assert!(forward[1..].iter().all(|page| page["prev_cursor"].is_string()));

            let last = forward.last().expect("a page").clone();
            let backward = walk(&app, &tenant, limit, last, "prev_cursor").await;
            let visited = backward.iter().rev().flat_map(ids).collect::<Vec<_>>();
            assert_eq!(visited, whole, "backward, limit {limit}");
        }
    }
}

#[tokio::test]
async fn turning_round_shows_the_same_page_again() {
    let app = App::with_clock(fixed_clock()).await;
    let tenant = app.tenant().await;
    create_many(&app, &tenant, 6).await;
    let first = page(&app, &tenant, "limit=2").await;
    let second = page(&app, &tenant, &format!("limit=2&cursor={}", first["next_cursor"].as_str().expect("one"))).await;
    let back = page(&app, &tenant, &format!("limit=2&cursor={}", second["prev_cursor"].as_str().expect("one"))).await;
    assert_eq!(back["data"], first["data"]);
    assert_eq!(back["prev_cursor"], Value::Null);
    let again = page(&app, &tenant, &format!("limit=2&cursor={}", back["next_cursor"].as_str().expect("one"))).await;
    assert_eq!(again["data"], second["data"]);
}

#[tokio::test]
async fn payment_created_while_paging_is_visited_once() {
    let app = App::with_clock(ticking_clock()).await;
    let tenant = app.tenant().await;
    let mut expected = create_many(&app, &tenant, 3).await;
    let first = page(&app, &tenant, "limit=2").await;
    expected.push(create(&app, &tenant).await);
    let pages = walk(&app, &tenant, 2, first, "next_cursor").await;
    assert_eq!(pages.iter().flat_map(ids).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn limit_is_50_by_default_and_may_be_a_float() {
    let app = App::with_clock(ticking_clock()).await;
    let tenant = app.tenant().await;
    create_many(&app, &tenant, 51).await;
    for (query, expected) in [("", 50), ("limit=50.0", 50), ("limit=1", 1), ("limit=2e0", 2), ("limit=200", 51)] {
        assert_eq!(ids(&page(&app, &tenant, query).await).len(), expected, "{query}");
    }
}

#[tokio::test]
async fn limit_has_bounds() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for limit in ["0", "201", "-1", "1.5", "", "all", "1e9", "1000000000000", "99999999999999999999"] {
        let answer = app.get(&tenant, &format!("{PAYMENTS}?limit={limit}")).await;
        assert_eq!(answer.status, 422, "{limit}");
        assert_eq!(answer.faults(), [("limit".to_owned(), "out_of_range".to_owned())], "{limit}");
    }
}

/// For each filter, a query that finds only the second of [`three_payments`].
const FINDS_THE_SECOND: &[(&str, &str)] = &[
    ("created_after", "created_after=2024-06-15T11:59:59Z&created_before=2024-06-15T12:00:01Z"),
    ("created_before", "created_after=2024-06-15T13:30:00%2B02:00&created_before=2024-06-15T14:00:00.000001+02:00"),
    ("created_from", "created_from=2024-06-15%2012:00:00&created_to=2024-06-15T14:00:00+02:00"),
    ("created_to", "created_to=2024-06-15T12:00:00Z&created_from=2024-06-15T12:00:00Z"),
    ("modified_from", "modified_from=2024-07-02&modified_to=2024-07-02"),
    ("modified_to", "modified_to=2024-07-02&modified_after=2024-07-01"),
    ("transaction_date_from", "transaction_date_from=2024-01-02&transaction_date_to=2024-01-02"),
    ("transaction_date_to", "transaction_date_to=2024-01-02T00:00:00Z&transaction_date_after=2024-01-01"),
    ("modified_after", "modified_after=2024-07-01&modified_before=2024-07-03"),
    ("modified_before", "modified_before=2024-07-02T00:00:00.000001Z&modified_after=2024-07-01"),
    ("transaction_date_after", "transaction_date_after=2024-01-01&transaction_date_before=2024-01-03"),
    ("transaction_date_before", "transaction_date_before=2024-01-02T00:00:01&transaction_date_after=2024-01-01"),
    ("invoice_id", "invoice_id=00000000-0000-0000-0000-0000000000B2"),
    ("contact_id", "contact_id=00000000-0000-0000-0000-0000000000c2"),
    ("account_id", "account_id=00000000-0000-0000-0000-0000000000d2"),
    ("currency", "currency=usd"),
    ("type", "type=Kind%202"),
    ("remote_id", "remote_id=remote-2"),
    ("remote_status", "remote_status=unknown"),
    ("idempotency_key", "idempotency_key=key-2"),
];

/// Three payments that differ in every filtered member, created at 11, 12 and 13 o'clock.
async fn three_payments() -> (App, Tenant, Vec<String>) {
    let seconds = Arc::new(AtomicI64::new(NOON));
    let read = Arc::clone(&seconds);
    let clock = Clock::new(move || DateTime::from_timestamp(read.load(Ordering::Relaxed), 0).expect("in range"));
    let app = App::with_clock(clock).await;
    let tenant = app.tenant().await;
    let mut ids = Vec::new();
    for (number, currency, status) in [(1, "EUR", None), (2, "USD", Some("unknown")), (3, "JPY", Some("applied"))] {
        seconds.store(NOON + (number - 2) * 3_600, Ordering::Relaxed);
        let body = json!({
            "transaction_date": format!("2024-01-0{number}"), "currency": currency, "type": format!("Kind {number}"),
            "invoice_id": format!("00000000-0000-0000-0000-0000000000b{number}"),
            "contact_id": format!("00000000-0000-0000-0000-0000000000c{number}"),
            "account_id": format!("00000000-0000-0000-0000-0000000000d{number}"),
        });
        let id = app.create_under(&tenant, &format!("key-{number}"), &body).await.json()["id"].clone();
        let id = id.as_str().expect("an id").to_owned();
        // No request can set these members yet.
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        let mut connection = app.connect().await;
        sqlx::query("update payment set remote_id = $2, modified_at = $3, remote_status = $4 where id = $1::uuid")
            .bind(&id)
            .bind(format!("remote-{number}"))
            .bind(at(&format!("2024-07-0{number}T00:00:00Z")))
            .bind(status)
            .execute(&mut connection)
            .await
            .expect("set");
        ids.push(id);
    }
    (app, tenant, ids)
}

#[tokio::test]
async fn every_filter_finds_only_its_payment() {
    let (app, tenant, created) = three_payments().await;
    for (_, query) in FINDS_THE_SECOND {
        assert_eq!(ids(&page(&app, &tenant, query).await), [created[1].clone()], "{query}");
    }
    assert_eq!(ids(&page(&app, &tenant, "type=kind%202").await), [""; 0], "a type is compared exactly");
    let both = page(&app, &tenant, "currency=USD&type=Kind%203").await;
    assert_eq!(ids(&both), [""; 0], "all filters must hold");
}

#[tokio::test]
async fn after_and_before_exclude_the_moment_itself() {
    let (app, tenant, created) = three_payments().await;
    for (name, second) in
        [("created", "2024-06-15T12:00:00Z"), ("modified", "2024-07-02"), ("transaction_date", "2024-01-02")]
    {
        let after = page(&app, &tenant, &format!("{name}_after={second}")).await;
        assert_eq!(ids(&after), created[2..], "{name}_after");
        let before = page(&app, &tenant, &format!("{name}_before={second}")).await;
        assert_eq!(ids(&before), created[..1], "{name}_before");
    }
}

#[test]
fn every_documented_filter_is_tried() {
    let document = serde_json::to_value(router::openapi()).expect("JSON");
    let parameters = document["paths"][PAYMENTS]["get"]["parameters"].as_array().expect("parameters").clone();
    let names = parameters.iter().map(|parameter| parameter["name"].as_str().expect("a name").to_owned());
    let mut filters: Vec<_> =
        names.filter(|name| !["limit", "cursor", "order", "remote_data"].contains(&&**name)).collect();
    filters.sort();
    let mut tried: Vec<_> = FINDS_THE_SECOND.iter().map(|(name, _)| (*name).to_owned()).collect();
    tried.sort();
    assert_eq!(tried, filters);
}

#[tokio::test]
async fn filtered_list_is_paged_by_cursors_of_its_own() {
    let app = App::with_clock(ticking_clock()).await;
    let tenant = app.tenant().await;
    let mut expected = Vec::new();
    for index in 0..6 {
        let currency = if index % 2 == 0 { "EUR" } else { "USD" };
        let id = app.create(&tenant, &json!({ "currency": currency })).await.json()["id"].clone();
        if currency == "USD" {
            expected.push(id.as_str().expect("an id").to_owned());
        }
    }
    let first = page(&app, &tenant, "currency=USD&limit=2").await;
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    // The same list in another spelling: letter case, order of the parameters and limit do not matter.
    let second = page(&app, &tenant, &format!("limit=9&cursor={cursor}&currency=usd")).await;
    assert_eq!([ids(&first), ids(&second)].concat(), expected);
    assert_eq!(second["next_cursor"], Value::Null);
}

#[tokio::test]
async fn cursor_of_another_list_is_refused_by_name() {
    let app = App::new().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    create_many(&app, &tenant, 2).await;
    create_many(&app, &other, 2).await;
    let cursor = async |tenant: &Tenant| {
        page(&app, tenant, "limit=1").await["next_cursor"].as_str().expect("a cursor").to_owned()
    };
    let (own, foreign) = (cursor(&tenant).await, cursor(&other).await);
    let changed = own.replacen(|c: char| c.is_ascii_alphabetic(), "-", 1);
    for query in [
        format!("cursor={foreign}"),
        format!("cursor={own}&currency=EUR"),
        format!("cursor={}", &own[1..]),
        format!("cursor={own}AAAA"),
        format!("cursor={changed}"),
        "cursor=".to_owned(),
        "cursor=garbage".to_owned(),
        "cursor=%00%F0%9F%A6%80".to_owned(),
    ] {
        let answer = app.get(&tenant, &format!("{PAYMENTS}?{query}")).await;
        assert_eq!(answer.status, 422, "{query}: {}", answer.text);
        assert_eq!(answer.faults(), [("cursor".to_owned(), "invalid_cursor".to_owned())], "{query}");
    }
}

#[tokio::test]
async fn unknown_parameter_is_refused_with_the_nearest_name() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let answer = app.get(&tenant, &format!("{PAYMENTS}?curency=EUR&createdAfter=2024-01-01&x=1")).await;
    assert_eq!(answer.status, 422);
    assert_json_snapshot!(answer.json(), { ".request_id" => "…" }, @r#"
    {
      "code": "invalid_query",
      "detail": "3 errors; see `errors`.",
      "errors": [
        {
          "code": "unknown_parameter",
          "detail": "unknown parameter; did you mean `created_after`?",
          "parameter": "createdAfter"
        },
        {
          "code": "unknown_parameter",
          "detail": "unknown parameter; did you mean `currency`?",
          "parameter": "curency"
        },
        {
          "code": "unknown_parameter",
          "detail": "unknown parameter; known parameters: limit, cursor, order, remote_data, created_after, created_before, created_from, created_to, modified_after, modified_before, modified_from, modified_to, transaction_date_after, transaction_date_before, transaction_date_from, transaction_date_to, invoice_id, contact_id, account_id, currency, type, remote_id, remote_status, idempotency_key",
          "parameter": "x"
        }
      ],
      "instance": "/accounting/payments",
      "request_id": "…",
      "retryable": false,
      "status": 422,
      "title": "Invalid query",
      "type": "urn:unibooks:problem:invalid_query"
    }
    "#);
}

#[tokio::test]
async fn faults_of_all_parameters_come_in_one_answer() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let query = "limit=0&remote_data=1&created_after=yesterday&invoice_id=7&currency=EURO&type=a%00b&type=c&\
                 idempotency_key=&contact_id=%FF&lim=1&cursor=garbage";
    let answer = app.get(&tenant, &format!("{PAYMENTS}?{query}")).await;
    assert_eq!(answer.status, 422);
    let mut faults = answer.faults();
    faults.sort();
    assert_json_snapshot!(faults, @r#"
    [
      [
        "contact_id",
        "invalid_string"
      ],
      [
        "created_after",
        "invalid_date_time"
      ],
      [
        "currency",
        "unknown_currency"
      ],
      [
        "cursor",
        "invalid_cursor"
      ],
      [
        "idempotency_key",
        "invalid_idempotency_key"
      ],
      [
        "invoice_id",
        "invalid_uuid"
      ],
      [
        "lim",
        "unknown_parameter"
      ],
      [
        "limit",
        "out_of_range"
      ],
      [
        "remote_data",
        "invalid_boolean"
      ],
      [
        "type",
        "duplicate_parameter"
      ],
      [
        "type",
        "nul_character"
      ]
    ]
    "#);
}
