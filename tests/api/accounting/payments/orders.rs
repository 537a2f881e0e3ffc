//! `GET /accounting/payments` in each order, compared with a model that filters and sorts in memory.

use chrono::{DateTime, FixedOffset, NaiveDate};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use unibooks::domain::Clock;

use super::list::{ids, page};
use crate::support::app::{App, PAYMENTS, Tenant};

const DATES: &[&str] = &[
    "2024-05-31T23:59:59Z",
    "2024-06-01T00:00:00+14:00",
    "2024-06-15",
    "2024-06-30T23:30:00-05:00",
    "2024-06-30T23:59:59.999999-12:00",
    "2024-07-01T00:00:00+02:00",
    "2024-07-01",
];

/// A payment as a client sees it in a list.
#[derive(Debug, Clone)]
struct Seen {
    id: String,
    date: Option<DateTime<FixedOffset>>,
}

/// Two payments for each of [`DATES`], and two without a date.
async fn filled() -> (App, Tenant, Vec<Seen>) {
    let app = App::with_clock(Clock::system()).await;
    let tenant = app.tenant().await;
    let mut seen = Vec::new();
    for date in DATES.iter().rev().chain(DATES).map(|date| json!(date)).chain([Value::Null, Value::Null]) {
        let payment = app.create(&tenant, &json!({ "transaction_date": date })).await.json();
        let date = payment["transaction_date"].as_str().map(|date| date.parse().expect("a date"));
        seen.push(Seen { id: payment["id"].as_str().expect("an id").to_owned(), date });
    }
    (app, tenant, seen)
}

fn written(seen: &[Seen], wanted: &[&str], list: &Value) {
    let dates: Vec<_> =
        wanted.iter().map(|text| Some(text.parse::<DateTime<FixedOffset>>().expect("a date"))).collect();
    let found = ids(list).into_iter().map(|id| seen.iter().find(|seen| seen.id == id).expect("known").date);
    assert_eq!(found.collect::<Vec<_>>(), dates);
}

#[tokio::test]
async fn month_is_listed_by_written_dates() {
    let (app, tenant, seen) = filled().await;
    let june =
        ["2024-06-01T00:00:00+14:00", "2024-06-01T00:00:00+14:00", "2024-06-15T00:00:00Z", "2024-06-15T00:00:00Z"];
    let end = ["2024-06-30T23:59:59.999999-12:00", "2024-06-30T23:30:00-05:00"];
    let end = [end, [end[1], end[0]]].concat();
    let wanted = [&june[..], &end].concat();
    for query in [
        "transaction_date_from=2024-06-01&transaction_date_to=2024-06-30",
        "transaction_date_after=2024-05-31&transaction_date_before=2024-07-01",
    ] {
        written(&seen, &wanted, &page(&app, &tenant, query).await);
        let reversed: Vec<_> = wanted.iter().rev().copied().collect();
        written(&seen, &reversed, &page(&app, &tenant, &format!("{query}&order=desc")).await);
    }
}

#[tokio::test]
async fn cursor_belongs_to_its_order() {
    let (app, tenant, _) = filled().await;
    let cursor = page(&app, &tenant, "limit=1").await["next_cursor"].as_str().expect("a cursor").to_owned();
    for query in ["order=desc", "transaction_date_from=2024-01-01", "modified_from=2024-01-01"] {
        let answer = app.get(&tenant, &format!("{PAYMENTS}?{query}&cursor={cursor}")).await;
        assert_eq!(answer.faults(), [("cursor".to_owned(), "invalid_cursor".to_owned())], "{query}");
    }
    let answer = app.get(&tenant, &format!("{PAYMENTS}?order=newest")).await;
    assert_eq!(answer.faults(), [("order".to_owned(), "invalid_order".to_owned())]);
}

#[tokio::test]
async fn list_by_modified_at_ends_with_the_latest_change() {
    let (app, tenant, seen) = filled().await;
    let mut connection = app.connect().await;
    sqlx::query("update payment set modified_at = modified_at + interval '1 day' where id = $1::uuid")
        .bind(&seen[0].id)
        .execute(&mut connection)
        .await
        .expect("changed");
    let mut wanted: Vec<_> = seen.iter().map(|seen| seen.id.clone()).collect();
    wanted.rotate_left(1);
    assert_eq!(ids(&page(&app, &tenant, "modified_from=2024-01-01").await), wanted);
    wanted.reverse();
    assert_eq!(ids(&page(&app, &tenant, "modified_from=2024-01-01&order=desc").await), wanted);
}

/// One bound of a filter: the end of its name, and the date or date-time.
type Bound = (&'static str, &'static str);

fn passes(date: DateTime<FixedOffset>, (end, bound): Bound) -> bool {
    let order = match bound.parse::<NaiveDate>() {
        Ok(bound) => date.date_naive().cmp(&bound),
        Err(_) => date.cmp(&bound.parse::<DateTime<FixedOffset>>().expect("a moment")),
    };
    match end {
        "after" => order.is_gt(),
        "from" => order.is_ge(),
        "before" => order.is_lt(),
        _ => order.is_le(),
    }
}

/// All ids of a list from its beginning. Checks that the way back from the end shows the same ids.
async fn walk(app: &App, tenant: &Tenant, query: &str, limits: &[u8]) -> Vec<String> {
    let mut limits = limits.iter().cycle();
    let mut visited = Vec::new();
    let mut cursor = Value::Null;
    let (mut back, last) = loop {
        let place = cursor.as_str().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let limit = limits.next().expect("a limit");
        let found = page(app, tenant, &format!("{query}&limit={limit}{place}")).await;
        visited.extend(ids(&found));
        cursor = found["next_cursor"].clone();
        if cursor.is_null() {
            break (found["prev_cursor"].clone(), ids(&found));
        }
    };
    let mut returned = last;
    while let Some(place) = back.as_str() {
        let limit = limits.next().expect("a limit");
        let found = page(app, tenant, &format!("{query}&limit={limit}&cursor={place}")).await;
        returned.splice(0..0, ids(&found));
        back = found["prev_cursor"].clone();
    }
    assert_eq!(returned, visited, "there and back, {query}");
    visited
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_by_accounting_date_equal_a_model() {
    let (app, tenant, seen) = filled().await;
    let ends = prop::sample::select(vec!["after", "before", "from", "to"]);
    let bounds = prop::sample::select(vec![
        "2024-05-31",
        "2024-06-01",
        "2024-06-15",
        "2024-06-30",
        "2024-07-01",
        "2024-06-30T23:30:00-05:00",
        "2024-06-30T22:00:00Z",
        "2024-05-31T10:00:00Z",
        "2024-07-01T11:59:59.999999Z",
    ]);
    let filters = prop::collection::btree_map(ends, bounds, 1..=4);
    let cases = (filters, any::<bool>(), prop::collection::vec(1u8..=6, 1..4));
    let handle = tokio::runtime::Handle::current();
    let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    let run = runner.run(&cases, |(filters, descends, limits)| {
        let mut wanted: Vec<_> = seen
            .iter()
            .filter_map(|seen| seen.date.map(|date| (date, seen.id.clone())))
            .filter(|(date, _)| filters.iter().all(|(end, bound)| passes(*date, (end, bound))))
            .map(|(date, id)| (date.date_naive(), id))
            .collect();
        wanted.sort();
        if descends {
            wanted.reverse();
        }
        let order = if descends { "desc" } else { "asc" };
        let query = filters
            .iter()
            .fold(format!("order={order}"), |query, (end, bound)| format!("{query}&transaction_date_{end}={bound}"));
        let walked = tokio::task::block_in_place(|| handle.block_on(walk(&app, &tenant, &query, &limits)));
        prop_assert_eq!(walked, wanted.into_iter().map(|(_, id)| id).collect::<Vec<_>>(), "{}", query);
        Ok(())
    });
    run.unwrap_or_else(|error| panic!("{error}"));
}
