//! `POST /accounting/payments`: a body with faults is refused with all of them listed, and nothing is stored.

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::app::{Answer, App, Tenant, page_example};

async fn create(app: &App, tenant: &Tenant, body: &str) -> Answer {
    app.create_with(tenant, &[], body.to_owned()).await
}

#[track_caller]
fn assert_faults(answer: &Answer, expected: &[(&str, &str)]) {
    assert_eq!(answer.problem(), (422, "invalid_body".to_owned()), "{}", answer.text);
    let faults = answer.faults();
    let faults: Vec<_> = faults.iter().map(|(place, code)| (place.as_str(), code.as_str())).collect();
    assert_eq!(faults, expected, "{}", answer.text);
}

#[tokio::test]
async fn all_faults_of_a_body_are_in_one_answer() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let mut body = page_example();
    body["line_items"] = json!([{ "value": 1 }, { "value": 2 }, { "value": "3" }]);
    body["invoice_id"] = json!("801f9ede");
    body["currency"] = json!("XYZ");
    let answer = app.create(&tenant, &body).await;

    assert_eq!(answer.status, 422);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_json_snapshot!(answer.json(), { ".request_id" => "[uuid]" }, @r#"
    {
      "code": "invalid_body",
      "detail": "3 errors; see `errors`. Nothing was stored.",
      "errors": [
        {
          "code": "invalid_uuid",
          "detail": "not a UUID; write it as 8-4-4-4-12 hexadecimal digits, like 801f9ede-c698-4e66-a7fc-48d19eebaa4f",
          "pointer": "/invoice_id"
        },
        {
          "code": "unknown_currency",
          "detail": "not an ISO 4217 currency code; write three letters, like USD",
          "pointer": "/currency"
        },
        {
          "code": "wrong_type",
          "detail": "expected a number, found a string",
          "pointer": "/line_items/2/value"
        }
      ],
      "instance": "/accounting/payments",
      "request_id": "[uuid]",
      "retryable": false,
      "status": 422,
      "title": "Invalid body",
      "type": "urn:unibooks:problem:invalid_body"
    }
    "#);
    assert_eq!(answer.header("x-request-id"), answer.json()["request_id"].as_str().expect("an id"));
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn every_parsed_member_is_refused_by_name() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let id = "invalid_uuid";
    let date = "invalid_date_time";
    let answer = app
        .create(
            &tenant,
            &json!({
                "invoice_id": "", "contact_id": "{801f9ede-c698-4e66-a7fc-48d19eebaa4f}",
                "account_id": "801f9edec6984e66a7fc48d19eebaa4f", "company_info_id": "1", "accounting_period_id": "é",
                "transaction_date": "15.06.2024", "currency": "US", "exchange_rate": "1,2", "total_amount": 100.5,
                "tracking_categories": ["x", "801f9ede-c698-4e66-a7fc-48d19eebaa4f", ""],
                "line_items": [{}, {
                    "value": 0.001, "applied_amount": 1e300, "company_info_id": "x", "related_object_id": "x",
                    "created_at": "now", "modified_at": "2024-02-30", "remote_generated_at": "2024-06-15T25:00:00Z",
                    "applied_date": "",
                }],
            }),
        )
        .await;
    let mut faults = answer.faults();
    faults.sort();
    let item = |member: &str, code: &str| (format!("/line_items/1/{member}"), code.to_owned());
    let top = |member: &str, code: &str| (format!("/{member}"), code.to_owned());
    let mut expected = vec![
        top("invoice_id", id),
        top("contact_id", id),
        top("account_id", id),
        top("company_info_id", id),
        top("accounting_period_id", id),
        top("transaction_date", date),
        top("currency", "unknown_currency"),
        top("exchange_rate", "invalid_exchange_rate"),
        top("total_amount", "not_whole"),
        top("tracking_categories/0", id),
        top("tracking_categories/2", id),
        item("value", "not_whole"),
        item("applied_amount", "out_of_range"),
        item("company_info_id", id),
        item("related_object_id", id),
        item("created_at", date),
        item("modified_at", date),
        item("remote_generated_at", date),
        item("applied_date", date),
    ];
    expected.sort();
    assert_eq!(faults, expected);
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn amount_beyond_the_exact_range_of_readers_is_refused() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for (amount, code) in [
        ("9007199254740992", "out_of_range"),
        ("-9007199254740992", "out_of_range"),
        ("9223372036854775808", "out_of_range"),
        ("18446744073709551616", "out_of_range"),
        ("1e400", "out_of_range"),
        ("1e99999999999999999999", "out_of_range"),
        ("100.5", "not_whole"),
        ("10000.000000000000000000001", "not_whole"),
        ("1e-1", "not_whole"),
    ] {
        let answer = create(&app, &tenant, &format!(r#"{{"total_amount":{amount}}}"#)).await;
        assert_faults(&answer, &[("/total_amount", code)]);
    }
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn nul_is_a_fault_of_the_client() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let answer = create(
        &app,
        &tenant,
        r#"{"type":"a\u0000b","currency":"\u0000","invoice_id":"\u0000",
            "line_items":[{"name":"\u0000","type":"\u0000","parent_item":"\u0000","remote_id":"\u0000",
            "related_object_type":"\u0000"}]}"#,
    )
    .await;
    let faults = answer.faults();
    assert_eq!(faults.len(), 8, "{}", answer.text);
    assert!(faults.iter().all(|(_, code)| code == "nul_character"), "{faults:?}");
    for mappings in [r#"{"a":"\u0000"}"#, r#"{"\u0000":1}"#, r#"{"a":[{"b":"x\u0000"}]}"#] {
        let answer = create(&app, &tenant, &format!(r#"{{"field_mappings":{mappings}}}"#)).await;
        assert_faults(&answer, &[("/field_mappings", "nul_character")]);
    }
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn half_a_surrogate_pair_is_refused_in_every_stored_text() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for (body, pointer) in [
        (r#"{"type":"\ud800"}"#, "/type"),
        (r#"{"type":"\udc00\ud800"}"#, "/type"),
        (r#"{"line_items":[{"name":"a\udfff"}]}"#, "/line_items/0/name"),
        (r#"{"transaction_date":"\ud800"}"#, "/transaction_date"),
        (r#"{"tracking_categories":["\ud800"]}"#, "/tracking_categories/0"),
        (r#"{"field_mappings":{"a":"\ud800"}}"#, "/field_mappings"),
        (r#"{"field_mappings":{"\ud800":1}}"#, "/field_mappings"),
        (r#"{"\ud800":1}"#, ""),
        (r#"{"line_items":[{"\ud800":1}]}"#, "/line_items/0"),
    ] {
        assert_faults(&create(&app, &tenant, body).await, &[(pointer, "invalid_string")]);
    }
    assert_eq!(app.count().await, 0);
    let whole = create(&app, &tenant, r#"{"type":"\ud83e\udd80"}"#).await;
    assert_eq!(whole.json()["type"], "🦀");
}

#[tokio::test]
async fn duplicate_member_is_refused() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for (body, pointer) in [
        (r#"{"currency":"USD","currency":"EUR"}"#, "/currency"),
        (r#"{"currency":"USD","curr\u0065ncy":"USD"}"#, "/currency"),
        (r#"{"total_amount":null,"total_amount":1}"#, "/total_amount"),
        (r#"{"line_items":[{"value":1,"value":1}]}"#, "/line_items/0/value"),
        (r#"{"field_mappings":{"a":{"b":1,"b":1}}}"#, "/field_mappings"),
        (r#"{"type":"a","a/b":1,"a/b":2}"#, "/a~1b"),
    ] {
        assert_faults(&create(&app, &tenant, body).await, &[(pointer, "duplicate_member")]);
    }
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn faults_inside_duplicates_are_listed_too() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let answer = create(&app, &tenant, r#"{"type":"a","type":"b","total_amount":"1","line_items":[7]}"#).await;
    assert_faults(
        &answer,
        &[("/type", "duplicate_member"), ("/total_amount", "wrong_type"), ("/line_items/0", "wrong_type")],
    );
}

#[tokio::test]
async fn at_most_a_hundred_faults_are_listed() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let answer = app.create(&tenant, &json!({ "line_items": vec![json!({ "value": "x" }); 1_000] })).await;
    assert_eq!(answer.json()["detail"], "1000 errors; see `errors` for the first 100. Nothing was stored.");
    assert_eq!(answer.faults().len(), 100);
    assert_eq!(answer.faults()[99].0, "/line_items/99/value");
}

#[tokio::test]
async fn refusal_by_a_constraint_is_a_fault_of_the_client() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    // An operator has made a constraint stricter and kept its name, which the server knows.
    sqlx::raw_sql(
        "alter table payment drop constraint payment_total_amount_range;
         alter table payment add constraint payment_total_amount_range check (total_amount < 100);
         alter table payment_line_item add constraint payment_line_item_house_rule check (value < 100);",
    )
    .execute(&mut app.connect().await)
    .await
    .expect("altered");
    let answer = app.create(&tenant, &json!({ "total_amount": 100 })).await;
    assert_faults(&answer, &[("/total_amount", "refused_by_constraint")]);
    let answer = app.create(&tenant, &json!({ "line_items": [{ "value": 100 }] })).await;
    assert_faults(&answer, &[("/line_items", "refused_by_constraint")]);
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn problem_documents_agree_with_their_headers() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let answer = app.create(&tenant, &json!({ "currency": 7 })).await;
    let body = answer.json();
    assert_eq!(body["type"], "urn:unibooks:problem:invalid_body");
    assert_eq!(body["instance"], "/accounting/payments");
    assert_eq!(body["retryable"], Value::Bool(false));
}
