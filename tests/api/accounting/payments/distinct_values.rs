//! Every member of a payment and of a line item, and every filter, has a value of its own: none can take another's
//! place on its way to the database and back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::DateTime;
use serde_json::{Value, json};
use unibooks::domain::Clock;

use crate::support::app::{Answer, App, PAYMENTS, Tenant};

/// The columns of a payment as Postgres has them, with its line items.
const STORED: &str = "
    select to_jsonb(payment) - 'request_digest'
           || jsonb_build_object('request_digest', encode(request_digest, 'hex'),
                                 'line_items', (select jsonb_agg(to_jsonb(item) order by position)
                                                from payment_line_item item where item.payment_id = payment.id))
    from payment where id = $1::uuid";

/// A UUID that only one member of one payment has.
fn id(payment: i64, member: i64) -> String {
    format!("{payment:08x}-0000-4000-8000-{member:012x}")
}

/// A line item of a payment: no two of its values are equal, nor equal to one of another item.
fn line_item(payment: i64, place: i64) -> Value {
    let n = payment * 100 + place * 10;
    let day = payment * 5 + place * 2 + 1;
    json!({
        "name": format!("name {n}"),
        "value": n + 1,
        "type": format!("type {n}"),
        "parent_item": format!("parent {n}"),
        "remote_id": format!("remote {n}"),
        "remote_generated_at": format!("2021-01-{day:02}T01:00:00Z"),
        "company_info_id": id(payment, 100 + place * 10),
        "created_at": format!("2021-02-{day:02}T02:00:00Z"),
        "modified_at": format!("2021-03-{day:02}T03:00:00Z"),
        "applied_amount": n + 2,
        "applied_date": format!("2021-04-{day:02}T04:00:00+{:02}:00", place + 1),
        "related_object_id": id(payment, 101 + place * 10),
        "related_object_type": format!("related {n}"),
    })
}

/// A payment with all members. `date` is the day of its accounting date.
pub fn payment(payment: i64, date: i64) -> Value {
    json!({
        "invoice_id": id(payment, 1),
        "transaction_date": format!("2022-05-{date:02}T05:00:00-0{payment}:30"),
        "contact_id": id(payment, 2),
        "account_id": id(payment, 3),
        "currency": CURRENCIES[usize::try_from(payment).expect("a place") - 1],
        "exchange_rate": format!("1.{payment}0"),
        "total_amount": payment * 1_000,
        "type": format!("kind {payment}"),
        "company_info_id": id(payment, 4),
        "accounting_period_id": id(payment, 5),
        "tracking_categories": [id(payment, 6), id(payment, 7)],
        "line_items": [line_item(payment, 0), line_item(payment, 1)],
        "field_mappings": { "field": format!("mapping {payment}") },
    })
}

/// A server with three payments of one tenant, each created on a day of its own and changed on another.
struct Books {
    app: App,
    /// The server's clock, in seconds.
    clock: Arc<AtomicI64>,
    tenant: Tenant,
    /// As the create call answered.
    created: Vec<Value>,
    /// As they are after connected software has said something of them.
    now: Vec<Value>,
}

const CURRENCIES: [&str; 3] = ["EUR", "USD", "CHF"];
/// The days of May 2022, June and July 2026 on which the three are dated, created and changed: three different orders.
const DATES: [i64; 3] = [20, 10, 30];
const CREATED: [i64; 3] = [10, 20, 30];
const MODIFIED: [i64; 3] = [30, 20, 10];
const STATUSES: [&str; 3] = ["applied", "rejected", "voided"];

fn created_at(day: i64) -> String {
    format!("2026-06-{day:02}T06:00:00Z")
}

fn modified_at(day: i64) -> String {
    format!("2026-07-{day:02}T07:00:00Z")
}

impl Books {
    async fn new() -> Self {
        let clock = Arc::new(AtomicI64::new(0));
        let seconds = Arc::clone(&clock);
        let time = move || DateTime::from_timestamp(seconds.load(Ordering::Relaxed), 0).expect("a time");
        let app = App::with_clock(Clock::new(time)).await;
        let mut books = Self { tenant: app.tenant().await, app, clock, created: Vec::new(), now: Vec::new() };
        for (number, (date, day)) in (1..).zip(DATES.into_iter().zip(CREATED)) {
            let time: DateTime<chrono::Utc> = created_at(day).parse().expect("a time");
            books.clock.store(time.timestamp(), Ordering::Relaxed);
            let answer = books.app.create_under(&books.tenant, &key(number), &payment(number, date)).await;
            assert_eq!(answer.status, 201, "{}", answer.text);
            books.created.push(answer.json());
        }
        books.change().await;
        books
    }

    /// There is no connector yet that could fill these members.
    async fn change(&mut self) {
        let mut session = self.app.connect().await;
        for (number, (created, (day, status))) in (1..).zip(self.created.iter().zip(MODIFIED.into_iter().zip(STATUSES)))
        {
            let remote_updated_at = format!("2023-08-{day:02}T08:00:00Z");
            sqlx::query(
                "update payment set modified_at = $2::timestamptz, remote_id = $3, remote_updated_at = $4::timestamptz,
                                    remote_data = $5::json, remote_status = $6 where id = $1::uuid",
            )
            .bind(created["id"].as_str())
            .bind(modified_at(day))
            .bind(format!("payment {number}"))
            .bind(&remote_updated_at)
            .bind(json!({ "data": number }).to_string())
            .bind(status)
            .execute(&mut session)
            .await
            .expect("changed");
            let mut now = created.clone();
            now["modified_at"] = json!(modified_at(day));
            now["remote_id"] = json!(format!("payment {number}"));
            now["remote_updated_at"] = json!(remote_updated_at);
            now["remote_data"] = json!({ "data": number });
            now["remote_status"] = json!(status);
            self.now.push(now);
        }
    }

    async fn list(&self, query: &str) -> Answer {
        self.app.get(&self.tenant, &format!("{PAYMENTS}?remote_data=true&{query}")).await
    }
}

fn key(number: i64) -> String {
    format!("key-{number}")
}

#[tokio::test]
async fn every_member_comes_back_as_itself() {
    let books = Books::new().await;
    for (number, (created, (date, day))) in (1..).zip(books.created.iter().zip(DATES.into_iter().zip(CREATED))) {
        let mut expected = payment(number, date);
        for member in ["remote_id", "remote_updated_at", "remote_data"] {
            expected[member] = Value::Null;
        }
        expected["remote_status"] = json!("none");
        expected["id"] = created["id"].clone();
        expected["created_at"] = json!(created_at(day));
        expected["modified_at"] = json!(created_at(day));
        assert_eq!(*created, expected);
    }
    for now in &books.now {
        let path = format!("{PAYMENTS}/{}?remote_data=true", now["id"].as_str().expect("an id"));
        assert_eq!(books.app.get(&books.tenant, &path).await.json(), *now);
    }
    assert_eq!(books.list("").await.json()["data"], json!(books.now));
    for (number, (now, date)) in (1..).zip(books.now.iter().zip(DATES)) {
        let again = books.app.create_under(&books.tenant, &key(number), &payment(number, date)).await;
        // Remote data is answered only where it is asked for.
        let mut expected = now.clone();
        expected["remote_data"] = Value::Null;
        assert_eq!(again.json(), expected, "a replay");
    }
    // More line items than a page of this limit reads at first sight: the statement that reads payments again.
    let mut larger = payment(1, 1);
    larger["line_items"] = (0..11).map(|place| line_item(1, place)).collect();
    books.clock.fetch_add(1, Ordering::Relaxed);
    let larger = books.app.create(&books.tenant, &larger).await.json();
    let page = books.list("limit=200").await.json();
    assert_eq!(page["data"][0], books.now[0]);
    assert_eq!(page["data"][3], larger);
}

#[tokio::test]
async fn every_member_is_stored_in_its_own_column() {
    let books = Books::new().await;
    let mut session = books.app.connect().await;
    for (number, created) in (1..).zip(&books.created) {
        let stored = sqlx::query_scalar::<_, Value>(STORED).bind(created["id"].as_str());
        let mut stored = stored.fetch_one(&mut session).await.expect("a row");
        let mut expected = books.now[usize::try_from(number).expect("a place") - 1].clone();
        assert_eq!(stored["idempotency_key"], key(number));
        for name in ["connection_id", "idempotency_key", "request_digest", "warnings"] {
            stored.as_object_mut().expect("an object").remove(name);
        }
        for (place, item) in stored["line_items"].as_array_mut().expect("items").iter_mut().enumerate() {
            let item = item.as_object_mut().expect("an object");
            assert_eq!(item.remove("position"), Some(json!(place)));
            assert_eq!(item.remove("payment_id"), Some(created["id"].clone()));
            item.remove("connection_id");
        }
        in_utc(&mut stored, "transaction_offset_minutes", "transaction_date");
        in_utc(&mut expected, "transaction_offset_minutes", "transaction_date");
        for items in [&mut stored, &mut expected] {
            for item in items["line_items"].as_array_mut().expect("items") {
                in_utc(item, "applied_offset_minutes", "applied_date");
            }
        }
        assert_eq!(stored, expected);
    }
}

/// Writes every time of `object` in UTC, and beside `date` the minutes of its offset, unless they are there.
fn in_utc(object: &mut Value, minutes: &str, date: &str) {
    let members = object.as_object_mut().expect("an object");
    let time = DateTime::parse_from_rfc3339(members[date].as_str().expect("a date")).expect("a time");
    members.entry(minutes).or_insert_with(|| json!(time.offset().local_minus_utc() / 60));
    for (_, value) in members {
        if let Some(time) = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok()) {
            *value = json!(time.to_utc());
        }
    }
}

#[tokio::test]
async fn every_filter_finds_exactly_its_payment() {
    let books = Books::new().await;
    let mut queries = Vec::new();
    for (place, payment) in books.now.iter().enumerate() {
        let value = |name: &str| payment[name].as_str().expect("a text").replace(' ', "%20");
        for name in ["invoice_id", "contact_id", "account_id", "currency", "type", "remote_id", "remote_status"] {
            queries.push((format!("{name}={}", value(name)), place));
        }
        queries.push((format!("idempotency_key={}", key(i64::try_from(place).expect("small") + 1)), place));
    }
    let date = |day| format!("2022-05-{day:02}");
    let moment = |day| {
        let number = DATES.iter().position(|one| *one == day).expect("a day") + 1;
        format!("2022-05-{day:02}T0{}:30:00Z", 5 + number)
    };
    let of = |days: [i64; 3], text: &dyn Fn(i64) -> String| {
        let place = |day| days.iter().position(|one| *one == day).expect("a day");
        [("after", 20, 30), ("from", 30, 30), ("before", 20, 10), ("to", 10, 10)]
            .map(|(bound, day, found)| (bound, text(day), place(found)))
    };
    let times = [("created", of(CREATED, &created_at)), ("modified", of(MODIFIED, &modified_at))];
    let dates = [("transaction_date", of(DATES, &date)), ("transaction_date", of(DATES, &moment))];
    for (name, bounds) in times.into_iter().chain(dates) {
        queries.extend(bounds.map(|(bound, text, place)| (format!("{name}_{bound}={text}"), place)));
    }
    for order in ["asc", "desc"] {
        for (query, place) in &queries {
            let page = books.list(&format!("order={order}&{query}")).await;
            assert_eq!(page.json()["data"], json!([books.now[*place]]), "{query}");
        }
        // All together find the payment that each of them finds. A parameter comes once: as a date or as a moment.
        for (place, is_moment) in (0..3).flat_map(|place| [(place, false), (place, true)]) {
            let is_own = |query: &str| !query.starts_with("transaction") || query.contains('T') == is_moment;
            let own = queries.iter().filter(|(query, at)| *at == place && is_own(query));
            let all: Vec<_> = own.map(|(query, _)| query.as_str()).collect();
            let page = books.list(&format!("order={order}&{}", all.join("&"))).await;
            assert_eq!(page.json()["data"], json!([books.now[place]]), "{all:?}");
        }
    }
}
