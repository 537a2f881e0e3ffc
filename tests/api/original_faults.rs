//! One test for each fault of the original server (contract §3) that this server has the parts for.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use axum::http::Method;
use chrono::DateTime;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tracing_subscriber::layer::{Context, SubscriberExt};
use unibooks::domain::Clock;

use crate::support::app::{Answer, App, Like, PAYMENTS, Tenant, page_example, small};

const UNKNOWN: &str = "0197a3c2-5b7e-7c40-8a51-3f0b6a9d2e11";

/// A create call that lacks a header.
async fn create_without(app: &App, tenant: &Tenant, header: &str) -> Answer {
    let mut request = tenant.request(Method::POST, PAYMENTS).header("content-type", "application/json");
    request.headers_mut().expect("headers").remove(header);
    app.send(request.body(small().to_string().into()).expect("a request")).await
}

/// The ids on every page of a list, from the first to the last.
async fn list_all(app: &App, tenant: &Tenant, limit: usize) -> Vec<Value> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(tenant, &format!("{PAYMENTS}?limit={limit}{cursor}")).await;
        assert_eq!(page.status, 200, "a cursor must be read by whom it was written: {}", page.text);
        let page = page.json();
        ids.extend(page["data"].as_array().expect("payments").iter().map(|payment| payment["id"].clone()));
        assert!(ids.len() < 100, "the list comes to no end: {ids:?}");
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

#[tokio::test]
async fn a_wrong_api_key_is_not_a_500() {
    let app = App::new().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    app.revoke_key(other.api_key_id).await;
    for api_key in ["wrong", other.api_key.as_str(), &tenant.api_key[1..]] {
        let answer = app.create(&Tenant { api_key: api_key.to_owned(), ..tenant.clone() }, &small()).await;
        assert_eq!(answer.problem(), (401, "unauthenticated".to_owned()));
        assert_ne!(answer.header("www-authenticate"), "");
    }
}

#[tokio::test]
async fn an_unknown_connection_token_is_not_a_500() {
    let (app, elsewhere) = (App::new().await, App::new().await);
    let (tenant, unknown) = (app.tenant().await, elsewhere.tenant().await.connection_token);
    let answer = app.create(&Tenant { connection_token: unknown, ..tenant }, &small()).await;
    assert_eq!(answer.problem(), (401, "unauthenticated".to_owned()));
}

#[tokio::test]
async fn an_unknown_or_malformed_id_is_not_a_500() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for id in [UNKNOWN, "not-an-id", "1"] {
        assert_eq!(app.get(&tenant, &format!("{PAYMENTS}/{id}")).await.status, 404);
    }
}

#[tokio::test]
async fn a_too_large_body_is_not_a_500() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let answer = app.create(&tenant, &json!({ "type": "x".repeat(2_000_000) })).await;
    assert_eq!(answer.problem(), (413, "body_too_large".to_owned()));
}

#[tokio::test]
async fn a_request_without_a_connection_token_is_refused() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let answer = create_without(&app, &tenant, "x-connection-token").await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.faults(), [("x-connection-token".to_owned(), "missing".to_owned())]);
    assert_eq!(create_without(&app, &tenant, "x-api-key").await.status, 401);
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn a_key_and_a_connection_of_different_projects_do_not_match() {
    let app = App::new().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let answer = app.create(&Tenant { api_key: other.api_key, ..tenant }, &small()).await;
    assert_eq!(answer.problem(), (401, "unauthenticated".to_owned()));
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn reading_by_id_stays_within_the_connection() {
    let app = App::new().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let created = app.create(&other, &page_example()).await;
    assert_eq!(app.get(&tenant, created.header("location")).await.status, 404);
    assert_eq!(app.get(&other, created.header("location")).await.status, 200);
}

#[tokio::test]
async fn an_error_never_echoes_the_connection_token() {
    let app = App::new().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let (id, revoked) = app.connection(tenant.project_id, Like::default()).await;
    app.revoke_connection(id).await;
    let mut answers = vec![
        app.get(&tenant, &format!("{PAYMENTS}/{UNKNOWN}")).await,
        app.create(&tenant, &json!({ "currency": 1 })).await,
        app.get(&tenant, &format!("{PAYMENTS}?nonsense=1")).await,
    ];
    for connection_token in ["secret-but-malformed".to_owned(), other.connection_token, revoked] {
        let caller = Tenant { connection_token: connection_token.clone(), ..tenant.clone() };
        let answer = app.get(&caller, &format!("{PAYMENTS}/{UNKNOWN}")).await;
        assert!(!answer.text.contains(&connection_token), "{}", answer.text);
        answers.push(answer);
    }
    for answer in answers {
        assert!(answer.status.is_client_error());
        let everything = format!("{} {:?}", answer.text, answer.headers);
        for secret in [&tenant.api_key, &tenant.connection_token] {
            assert!(!everything.contains(secret), "{everything}");
        }
    }
}

#[tokio::test]
async fn an_error_says_nothing_of_the_inside() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let mut connection = app.connect().await;
    sqlx::raw_sql("alter table payment_line_item rename to elsewhere").execute(&mut connection).await.expect("renamed");
    let answer = app.create(&tenant, &page_example()).await;
    assert_eq!(answer.problem(), (500, "internal".to_owned()));
    let text = answer.text.to_lowercase();
    for word in ["payment_line_item", "relation", "sql", "postgres", "panicked", "src/"] {
        assert!(!text.contains(word), "{text}");
    }
}

#[tokio::test]
async fn tokens_are_not_at_rest_in_plain_text() {
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
        // A row as text has all of its columns; `bytea` is in it as hexadecimal digits.
        let query = sqlx::AssertSqlSafe(format!("select coalesce(string_agg(t::text, ' '), '') from \"{table}\" t"));
        everything += &sqlx::query_scalar::<_, String>(query).fetch_one(&mut connection).await.expect("rows");
    }
    let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    for secret in [&tenant.api_key, &tenant.connection_token] {
        let random = &secret[secret.len() - 38..secret.len() - 6];
        assert!(!everything.contains(random), "in plain text");
        assert!(!everything.contains(&hex(random.as_bytes())), "as bytes");
        assert!(everything.contains(&hex(&Sha256::digest(secret))), "this scanned at the wrong rows");
    }
}

#[tokio::test]
async fn tokens_are_unique_and_found_by_an_index() {
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

#[tokio::test]
async fn a_token_can_expire() {
    let seconds = Arc::new(AtomicI64::new(1_900_000_000));
    let hand = Arc::clone(&seconds);
    let time = |seconds| DateTime::from_timestamp(seconds, 0).expect("a time");
    let app = App::with_clock(Clock::new(move || time(hand.load(Ordering::Relaxed)))).await;
    let expiring = Like { expires_at: Some(time(1_900_000_060)), ..Like::default() };
    let tenants = [app.tenant_like(expiring, Like::default()).await, app.tenant_like(Like::default(), expiring).await];
    for (now, status) in [(1_900_000_059, 201), (1_900_000_060, 401), (1_900_000_061, 401)] {
        seconds.store(now, Ordering::Relaxed);
        for (tenant, header) in tenants.iter().zip(["x-api-key", "x-connection-token"]) {
            let answer = app.create(tenant, &small()).await;
            assert_eq!(answer.status, status, "{header} at {now}: {}", answer.text);
            if status == 401 {
                assert_eq!(answer.faults(), [(header.to_owned(), "expired".to_owned())]);
            }
        }
    }
}

#[tokio::test]
async fn a_create_call_is_validated() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let body = json!({ "currency": "money", "invoice_id": 7, "line_items": [{ "value": "a lot" }] });
    let answer = app.create(&tenant, &body).await;
    assert_eq!((answer.status.as_u16(), answer.faults().len()), (422, 3), "{}", answer.text);
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn form_and_text_bodies_do_not_become_empty_payments() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for media_type in ["application/x-www-form-urlencoded", "text/plain"] {
        let request = tenant.request(Method::POST, PAYMENTS).header("content-type", media_type);
        let answer = app.send(request.body("total_amount=100&currency=USD".into()).expect("a request")).await;
        assert_eq!(answer.problem(), (415, "unsupported_media_type".to_owned()));
    }
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn payment_and_line_items_are_stored_together_or_not_at_all() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    sqlx::raw_sql(
        "create function refuse() returns trigger language plpgsql as $$
         begin
             if new.name = 'the third' then raise exception 'no'; end if;
             return new;
         end $$;
         create trigger refuse before insert on payment_line_item for each row execute function refuse();",
    )
    .execute(&mut app.connect().await)
    .await
    .expect("a trigger");
    let body = |third: &str| json!({ "line_items": [{ "name": "a" }, { "name": "b" }, { "name": third }] });
    let answer = app.create_under(&tenant, "k", &body("the third")).await;
    assert_eq!(answer.problem(), (500, "internal".to_owned()));
    let items = async || {
        let mut connection = app.connect().await;
        sqlx::query_scalar::<_, i64>("select count(*) from payment_line_item")
            .fetch_one(&mut connection)
            .await
            .expect("a count")
    };
    assert_eq!((app.count().await, items().await), (0, 0));
    // Not even the key is kept: another request may have it.
    assert_eq!(app.create_under(&tenant, "k", &body("c")).await.status, 201);
    assert_eq!((app.count().await, items().await), (1, 3));
}

#[tokio::test]
async fn a_zero_amount_does_not_become_null() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let created = app.create(&tenant, &json!({ "total_amount": 0, "line_items": [{ "value": 0 }] })).await;
    let read = app.get(&tenant, created.header("location")).await;
    for answer in [created.json(), read.json()] {
        assert_eq!((&answer["total_amount"], &answer["line_items"][0]["value"]), (&json!(0), &json!(0)));
    }
}

#[tokio::test]
async fn a_fraction_of_a_cent_is_not_rounded_into_an_integer() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let answer = app.create(&tenant, &json!({ "total_amount": 100.5, "line_items": [{ "value": 0.1 }] })).await;
    let faults = answer.faults();
    assert_eq!(faults.iter().map(|(_, code)| code.as_str()).collect::<Vec<_>>(), ["not_whole", "not_whole"]);
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn a_retry_does_not_make_a_second_payment() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let first = app.create_under(&tenant, "once", &page_example()).await;
    let second = app.create_under(&tenant, "once", &page_example()).await;
    assert_eq!((second.status, &second.text), (first.status, &first.text));
    assert_eq!(app.count().await, 1);
}

#[tokio::test]
async fn remote_data_false_is_false() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let created = app.create(&tenant, &small()).await;
    sqlx::raw_sql("update payment set remote_data = '{\"raw\": 1}'")
        .execute(&mut app.connect().await)
        .await
        .expect("updated");
    for path in [created.header("location").to_owned(), PAYMENTS.to_owned()] {
        assert!(!app.get(&tenant, &format!("{path}?remote_data=false")).await.text.contains("raw"));
        assert!(app.get(&tenant, &format!("{path}?remote_data=true")).await.text.contains("raw"));
    }
}

/// Counts the statements that sqlx sends.
struct Statements(Arc<AtomicUsize>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _context: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[tokio::test]
async fn listing_takes_one_query_whatever_the_page_size() {
    let app = App::new_at_noon().await;
    let tenant = app.tenant().await;
    for _ in 0..30 {
        app.create(&tenant, &json!({ "line_items": [{}, {}] })).await;
    }
    let count = Arc::new(AtomicUsize::new(0));
    // For this thread only, which is all that this test runs on.
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(Statements(Arc::clone(&count))));
    let mut statements = Vec::new();
    for (limit, length) in [(1, 1), (10, 10), (200, 30)] {
        count.store(0, Ordering::Relaxed);
        let page = app.get(&tenant, &format!("{PAYMENTS}?limit={limit}")).await.json();
        assert_eq!(page["data"].as_array().map(Vec::len), Some(length));
        statements.push(count.load(Ordering::Relaxed));
    }
    drop(guard);
    assert_eq!(statements, [1, 1, 1]);
}

#[tokio::test]
async fn the_cursor_of_a_list_is_called_as_on_the_page_and_read_by_its_own_server() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for _ in 0..3 {
        app.create(&tenant, &small()).await;
    }
    let first = app.get(&tenant, &format!("{PAYMENTS}?limit=2")).await.json();
    let names: Vec<_> = first.as_object().expect("an object").keys().collect();
    assert_eq!(names.len(), 3);
    assert_eq!(first["prev_cursor"], Value::Null);
    assert_eq!(first.get("previous_cursor"), None);
    let next = first["next_cursor"].as_str().expect("a cursor");
    let second = app.get(&tenant, &format!("{PAYMENTS}?limit=2&cursor={next}")).await.json();
    let back = second["prev_cursor"].as_str().expect("a cursor");
    let again = app.get(&tenant, &format!("{PAYMENTS}?limit=2&cursor={back}")).await.json();
    assert_eq!(again["data"], first["data"]);
}

#[tokio::test]
async fn the_last_row_is_not_repeated_on_the_next_page() {
    // All of them in the same microsecond: a column that is not unique gives no order.
    let moment = DateTime::from_timestamp(1_900_000_000, 0).expect("a time");
    let app = App::with_clock(Clock::new(move || moment)).await;
    let tenant = app.tenant().await;
    let mut created = Vec::new();
    for _ in 0..7 {
        created.push(app.create(&tenant, &small()).await.json()["id"].as_str().expect("an id").to_owned());
    }
    created.sort();
    for limit in [1, 2, 3, 7, 50] {
        assert_eq!(list_all(&app, &tenant, limit).await, created, "in pages of {limit}");
    }
}

#[tokio::test]
async fn limit_has_bounds() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for limit in ["0", "201", "-1", "1000000000000", "1.5", "all", ""] {
        let answer = app.get(&tenant, &format!("{PAYMENTS}?limit={limit}")).await;
        assert_eq!(answer.status, 422, "{limit}");
        assert_eq!(answer.faults(), [("limit".to_owned(), "out_of_range".to_owned())], "{limit}");
    }
    for limit in ["1", "200", "200.0"] {
        assert_eq!(app.get(&tenant, &format!("{PAYMENTS}?limit={limit}")).await.status, 200, "{limit}");
    }
}
