//! Answers when the database fails: what they reveal, and whether the call may be repeated.

use axum::http::Method;
use insta::assert_json_snapshot;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use unibooks::db::Error;

use crate::support::app::{App, PAYMENTS, page_example, small_payment};

async fn execute(app: &App, statement: &'static str) {
    let mut connection = app.connect().await;
    sqlx::raw_sql(statement).execute(&mut connection).await.expect(statement);
}

#[tokio::test]
async fn lost_database_is_a_503_with_retry_after() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    app.database.close().await;
    let read = app.get(&tenant, PAYMENTS).await;
    for answer in [&read, &app.create(&tenant, &small_payment()).await] {
        assert_eq!(answer.status, 503);
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    assert_json_snapshot!(read.json(), { ".request_id" => "…" }, @r#"
    {
      "code": "unavailable",
      "detail": "Retry after the number of seconds in `Retry-After`.",
      "instance": "/accounting/payments",
      "request_id": "…",
      "retryable": true,
      "status": 503,
      "title": "Service unavailable",
      "type": "urn:unibooks:problem:unavailable"
    }
    "#);
}

#[tokio::test]
async fn server_reconnects_to_a_database_that_returned() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    assert_eq!(app.get(&tenant, PAYMENTS).await.status, 200);
    let admin = app.options.clone().database("postgres");
    let mut admin = PgConnection::connect_with(&admin).await.expect("connected");
    let ended: i64 =
        sqlx::query_scalar("select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = $1")
            .bind(app.options.get_database())
            .fetch_one(&mut admin)
            .await
            .expect("ended");
    assert!(ended > 0, "the pool held sessions");
    let mut failures = 0;
    loop {
        let answer = app.get(&tenant, PAYMENTS).await;
        if answer.status == 200 {
            break;
        }
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"), "{}", answer.text);
        failures += 1;
        assert!(failures <= ended, "a broken session is not used twice");
    }
}

/// Ends the session while it writes a payment, so the server cannot know whether the payment was stored.
const BREAKS: &str = "create function break_off() returns trigger language plpgsql as
    $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$;
    create trigger break_off before insert on payment for each row execute function break_off()";

#[tokio::test]
async fn cut_create_is_retryable_only_with_a_key() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    execute(&app, BREAKS).await;

    let answer = app.create(&tenant, &small_payment()).await;
    assert_eq!(answer.status, 409, "{}", answer.text);
    assert_json_snapshot!(answer.json(), { ".request_id" => "…", ".payment_id" => "…" }, @r#"
    {
      "code": "outcome_unknown",
      "detail": "Storing the payment failed halfway. Wait 60 seconds; then `GET /accounting/payments/{payment_id}` answers 200 if it was stored and 404 if not. Send an `Idempotency-Key` with each create call: then a repetition is always safe.",
      "instance": "/accounting/payments",
      "payment_id": "…",
      "request_id": "…",
      "retryable": false,
      "status": 409,
      "title": "Outcome unknown",
      "type": "urn:unibooks:problem:outcome_unknown"
    }
    "#);
    let id = answer.json()["payment_id"].as_str().expect("the id that it would have").to_owned();

    let keyed = app.create_under(&tenant, "key", &small_payment()).await;
    assert_eq!((keyed.status.as_u16(), keyed.header("retry-after")), (503, "1"), "{}", keyed.text);

    execute(&app, "drop trigger break_off on payment").await;
    assert_eq!(app.get(&tenant, &format!("{PAYMENTS}/{id}")).await.status, 404, "the payment was not stored");
    let again = app.create_under(&tenant, "key", &small_payment()).await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (201, ""), "{}", again.text);
    assert_eq!(app.count().await, 1);
}

#[tokio::test]
async fn stricter_constraint_is_a_fault_of_its_member() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for (statement, body, pointer) in [
        (
            "alter table payment drop constraint payment_currency_code, \
             add constraint payment_currency_code check (currency = 'EUR')",
            json!({ "currency": "USD" }),
            "/currency",
        ),
        (
            "alter table payment drop constraint payment_total_amount_range, \
             add constraint payment_total_amount_range check (total_amount > 0)",
            json!({ "total_amount": -1 }),
            "/total_amount",
        ),
        (
            "alter table payment_line_item drop constraint payment_line_item_value_range, \
             add constraint payment_line_item_value_range check (value > 0)",
            json!({ "line_items": [{ "value": -1 }] }),
            "/line_items",
        ),
    ] {
        execute(&app, statement).await;
        let answer = app.create(&tenant, &body).await;
        assert_eq!(answer.status, 422, "{}", answer.text);
        assert_eq!(answer.faults(), [(pointer.to_owned(), "refused_by_constraint".to_owned())]);
    }
    assert_eq!(app.count().await, 0, "a payment is not stored without its line item");
}

#[tokio::test]
async fn unknown_constraint_is_an_internal_error() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    execute(&app, "alter table payment add constraint house_rule check (currency <> 'USD')").await;
    let answer = app.create(&tenant, &json!({ "currency": "USD" })).await;
    assert_eq!(answer.status, 500);
    assert!(!answer.text.contains("house_rule") && !answer.text.contains("USD"), "{}", answer.text);
}

#[tokio::test]
async fn internal_error_reveals_nothing_of_the_database() {
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
async fn refused_line_item_leaves_no_payment_and_no_key() {
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
    // The key is free again, so another request may use it.
    assert_eq!(app.create_under(&tenant, "k", &body("c")).await.status, 201);
    assert_eq!((app.count().await, items().await), (1, 3));
}

#[tokio::test]
async fn statement_timeout_is_a_retryable_503() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    execute(
        &app,
        "create function dawdle() returns trigger language plpgsql as
             $$ begin raise exception 'canceling statement due to statement timeout' using errcode = '57014'; end $$;
         create trigger dawdle before insert on payment for each row execute function dawdle()",
    )
    .await;
    let request = tenant.request(Method::POST, PAYMENTS).header("content-type", "application/json");
    let answer = app.send(request.body(small_payment().to_string().into()).expect("a request")).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"), "{}", answer.text);
}

#[tokio::test]
async fn foreign_prepared_statement_names_the_pooler_setting() {
    let app = App::new().await;
    let mut session = app.connect().await;
    for number in 1..=50 {
        // As if a pooler had lent this session to another client, which prepared its own statements.
        let prepare = AssertSqlSafe(format!("prepare sqlx_s_{number} as select 1"));
        sqlx::raw_sql(prepare).execute(&mut session).await.ok();
    }
    let error = sqlx::query("select 42").execute(&mut session).await.expect_err("the name is taken");
    let logged = Error::from(error).to_string();
    assert!(logged.contains("UNIBOOKS_DATABASE_POOLING=transaction") && logged.contains("already exists"), "{logged}");
}
