//! `POST /accounting/payments`: the answer has what was sent and what the server adds.

use axum::http::Method;
use chrono::{DateTime, Utc};
use insta::assert_json_snapshot;
use serde_json::{Value, json};
use unibooks::domain::Clock;

use crate::support::app::{Answer, App, PAYMENTS, Tenant, page_example, small_payment};

/// Creates a payment with `member` and returns that member of the answer. Checks that reading it gives the same.
async fn member_after(app: &App, tenant: &Tenant, member: &str, value: Value) -> Value {
    let created = app.create(tenant, &json!({ member: value })).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let read = app.get(tenant, created.header("location")).await.json();
    assert_eq!(read[member], created.json()[member], "read back and created differ");
    created.json()[member].clone()
}

async fn create_json(app: &App, tenant: &Tenant, body: &str) -> Answer {
    let answer = app.create_with(tenant, &[], body.to_owned()).await;
    assert_eq!(answer.status, 201, "{body}: {}", answer.text);
    answer
}

#[tokio::test]
async fn documented_example_is_answered_whole() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let answer = app.create(&tenant, &page_example()).await;

    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("idempotent-replayed"), "");
    let body = answer.json();
    let id = body["id"].as_str().expect("an id");
    assert_eq!(answer.header("location"), format!("{PAYMENTS}/{id}"));
    assert_json_snapshot!(
        body,
        { ".id" => "[uuid]", ".created_at" => "[time]", ".modified_at" => "[time]" },
        @r#"
    {
      "account_id": "801f9ede-c698-4e66-a7fc-48d19eebaa4f",
      "accounting_period_id": "801f9ede-c698-4e66-a7fc-48d19eebaa4f",
      "company_info_id": "801f9ede-c698-4e66-a7fc-48d19eebaa4f",
      "contact_id": "801f9ede-c698-4e66-a7fc-48d19eebaa4f",
      "created_at": "[time]",
      "currency": "USD",
      "exchange_rate": "1.2",
      "field_mappings": {
        "custom_field_1": "value1",
        "custom_field_2": "value2"
      },
      "id": "[uuid]",
      "invoice_id": "801f9ede-c698-4e66-a7fc-48d19eebaa4f",
      "line_items": [
        {
          "applied_amount": null,
          "applied_date": null,
          "company_info_id": "801f9ede-c698-4e66-a7fc-48d19eebaa4f",
          "created_at": "2024-06-15T12:00:00Z",
          "modified_at": "2024-06-15T12:00:00Z",
          "name": "Net Income",
          "parent_item": "801f9ede-c698-4e66-a7fc-48d19eebaa4f",
          "related_object_id": null,
          "related_object_type": null,
          "remote_generated_at": "2024-07-01T12:00:00Z",
          "remote_id": "report_item_1234",
          "type": "Operating Activities",
          "value": 100000
        }
      ],
      "modified_at": "[time]",
      "remote_data": null,
      "remote_id": null,
      "remote_status": "none",
      "remote_updated_at": null,
      "total_amount": 10000,
      "tracking_categories": [
        "801f9ede-c698-4e66-a7fc-48d19eebaa4f"
      ],
      "transaction_date": "2024-06-15T12:00:00Z",
      "type": "Credit Card"
    }
    "#
    );
    assert_eq!(app.count().await, 1);
}

#[tokio::test]
async fn members_are_answered_in_documented_order() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let text = app.create(&tenant, &page_example()).await.text;
    let places: Vec<_> = ["invoice_id", "transaction_date", "line_items", "field_mappings", "\"id\"", "remote_data"]
        .iter()
        .map(|member| text.find(member).expect(member))
        .collect();
    assert!(places.is_sorted(), "{text}");
}

#[tokio::test]
async fn empty_payment_has_every_member_and_empty_lists() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let answer = create_json(&app, &tenant, "{}").await;
    assert_json_snapshot!(
        answer.json(),
        { ".id" => "[uuid]", ".created_at" => "[time]", ".modified_at" => "[time]" },
        @r#"
    {
      "account_id": null,
      "accounting_period_id": null,
      "company_info_id": null,
      "contact_id": null,
      "created_at": "[time]",
      "currency": null,
      "exchange_rate": null,
      "field_mappings": null,
      "id": "[uuid]",
      "invoice_id": null,
      "line_items": [],
      "modified_at": "[time]",
      "remote_data": null,
      "remote_id": null,
      "remote_status": "none",
      "remote_updated_at": null,
      "total_amount": null,
      "tracking_categories": null,
      "transaction_date": null,
      "type": null
    }
    "#
    );
}

#[tokio::test]
async fn null_and_absent_are_the_same_for_every_member() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let mut nulls = page_example();
    for value in nulls.as_object_mut().expect("an object").values_mut() {
        *value = Value::Null;
    }
    let mut from_nulls = app.create(&tenant, &nulls).await.json();
    let mut from_nothing = create_json(&app, &tenant, "{}").await.json();
    for payment in [&mut from_nulls, &mut from_nothing] {
        for member in ["id", "created_at", "modified_at"] {
            assert!(payment.as_object_mut().expect("an object").remove(member).is_some_and(|value| value.is_string()));
        }
    }
    assert_eq!(from_nulls, from_nothing);

    let mut item = page_example()["line_items"][0].clone();
    for value in item.as_object_mut().expect("an object").values_mut() {
        *value = Value::Null;
    }
    let with_nulls = app.create(&tenant, &json!({ "line_items": [item] })).await.json();
    let with_nothing = app.create(&tenant, &json!({ "line_items": [{}] })).await.json();
    assert_json_snapshot!(
        with_nothing["line_items"],
        { "[].created_at" => "[time]", "[].modified_at" => "[time]" },
        @r#"
    [
      {
        "applied_amount": null,
        "applied_date": null,
        "company_info_id": null,
        "created_at": "[time]",
        "modified_at": "[time]",
        "name": null,
        "parent_item": null,
        "related_object_id": null,
        "related_object_type": null,
        "remote_generated_at": null,
        "remote_id": null,
        "type": null,
        "value": null
      }
    ]
    "#
    );
    assert_eq!(with_nulls["line_items"][0]["name"], Value::Null);
    assert_eq!(with_nulls["line_items"][0]["created_at"], with_nulls["created_at"]);
}

#[tokio::test]
async fn empty_lists_objects_and_texts_are_kept() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for (member, value) in [("tracking_categories", json!([])), ("field_mappings", json!({})), ("type", json!(""))] {
        assert_eq!(member_after(&app, &tenant, member, value.clone()).await, value, "{member}");
    }
}

#[tokio::test]
async fn zero_is_kept_as_zero() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for zero in ["0", "0.0", "-0", "-0.0", "0e5"] {
        let body = format!(r#"{{"total_amount":{zero},"line_items":[{{"value":{zero},"applied_amount":{zero}}}]}}"#);
        let answer = create_json(&app, &tenant, &body).await;
        assert!(answer.text.contains(r#""total_amount":0,"#), "{zero}: {}", answer.text);
        let item = &answer.json()["line_items"][0];
        assert_eq!((&item["value"], &item["applied_amount"]), (&json!(0), &json!(0)), "{zero}");
        assert_eq!(app.get(&tenant, answer.header("location")).await.json(), answer.json(), "{zero}");
    }
    let stored: Vec<Option<i64>> = sqlx::query_scalar("select total_amount from payment")
        .fetch_all(&mut app.connect().await)
        .await
        .expect("amounts");
    assert_eq!(stored, [Some(0); 5]);
}

#[tokio::test]
async fn all_spellings_of_an_amount_are_one_amount() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for amount in ["10000", "10000.0", "1e4", "1E+4", "1000000e-2"] {
        let body = format!(r#"{{"total_amount":{amount},"line_items":[{{"value":{amount}}}]}}"#);
        let answer = create_json(&app, &tenant, &body).await;
        // Compares the text, because a JSON reader takes `10000.0` for the same number.
        assert!(answer.text.contains(r#""total_amount":10000,"#), "{amount}: {}", answer.text);
        assert!(answer.text.contains(r#""value":10000,"#), "{amount}: {}", answer.text);
    }
}

#[tokio::test]
async fn largest_amounts_are_exact() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for amount in [9_007_199_254_740_991_i64, -9_007_199_254_740_991, -1] {
        assert_eq!(member_after(&app, &tenant, "total_amount", json!(amount)).await, json!(amount));
    }
}

#[tokio::test]
async fn written_calendar_date_and_offset_are_kept() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for (written, answered) in [
        ("2024-06-15T23:30:00-05:00", "2024-06-15T23:30:00-05:00"),
        ("2024-06-15T00:30:00+05:45", "2024-06-15T00:30:00+05:45"),
        ("2024-06-15T12:00:00+00:00", "2024-06-15T12:00:00Z"),
        ("2024-06-15t12:00:00z", "2024-06-15T12:00:00Z"),
        ("2024-06-15T12:00:00.000Z", "2024-06-15T12:00:00Z"),
        ("2024-06-15T12:00:00.123456Z", "2024-06-15T12:00:00.123456Z"),
        ("2024-06-15", "2024-06-15T00:00:00Z"),
        ("0001-01-01T00:00:00-14:00", "0001-01-01T00:00:00-14:00"),
        ("9999-12-31T23:59:59+12:00", "9999-12-31T23:59:59+12:00"),
    ] {
        let value = member_after(&app, &tenant, "transaction_date", json!(written)).await;
        assert_eq!(value, json!(answered), "{written}");
        let item = json!([{ "applied_date": written }]);
        let items = member_after(&app, &tenant, "line_items", item).await;
        assert_eq!(items[0]["applied_date"], json!(answered), "{written}");
    }
}

#[tokio::test]
async fn exchange_rates_keep_their_digits() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for rate in ["1.2", "1.20", "1", "0010.50", "0.100000000000000005551115123", "1234567890.123456789012345678"] {
        assert_eq!(member_after(&app, &tenant, "exchange_rate", json!(rate)).await, json!(rate));
    }
}

#[tokio::test]
async fn currencies_are_answered_in_upper_case() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for written in ["USD", "usd", "uSd"] {
        assert_eq!(member_after(&app, &tenant, "currency", json!(written)).await, json!("USD"));
    }
}

#[tokio::test]
async fn ids_are_answered_in_lower_case() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let id = "801F9EDE-C698-4E66-A7FC-48D19EEBAA4F";
    assert_eq!(member_after(&app, &tenant, "invoice_id", json!(id)).await, json!(id.to_lowercase()));
}

#[tokio::test]
async fn line_items_keep_their_order() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let values = [5, 3, 9, 3, 0, -7, 5];
    let items: Vec<_> = values.iter().map(|value| json!({ "value": value })).collect();
    let answered = member_after(&app, &tenant, "line_items", json!(items)).await;
    let answered: Vec<_> = answered.as_array().expect("items").iter().map(|item| item["value"].clone()).collect();
    assert_eq!(json!(answered), json!(values));
}

#[tokio::test]
async fn line_item_times_default_to_those_of_the_payment() {
    let now: DateTime<Utc> = "2031-02-03T04:05:06.000007Z".parse().expect("a time");
    let app = App::with_clock(Clock::new(move || now)).await;
    let tenant = app.tenant().await;
    let items = json!([{}, { "created_at": "2024-06-15T12:00:00+02:00" }, { "modified_at": "2024-06-15" }]);
    let created = app.create(&tenant, &json!({ "line_items": items })).await;
    let read = app.get(&tenant, created.header("location")).await;
    for answer in [created.json(), read.json()] {
        assert_eq!(answer["created_at"], "2031-02-03T04:05:06.000007Z");
        assert_eq!(answer["modified_at"], answer["created_at"]);
        let times: Vec<_> = answer["line_items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|item| (item["created_at"].clone(), item["modified_at"].clone()))
            .collect();
        let now = &answer["created_at"];
        assert_eq!(times[0], (now.clone(), now.clone()));
        assert_eq!(times[1], (json!("2024-06-15T10:00:00Z"), now.clone()));
        assert_eq!(times[2], (now.clone(), json!("2024-06-15T00:00:00Z")));
    }
}

#[tokio::test]
async fn ids_are_in_order_of_creation() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let body = app.create(&tenant, &small_payment()).await.json();
        let id: uuid::Uuid = body["id"].as_str().expect("an id").parse().expect("a UUID");
        assert_eq!(id.get_version_num(), 7);
        let created: DateTime<Utc> = body["created_at"].as_str().expect("a time").parse().expect("a time");
        let (seconds, nanos) = id.get_timestamp().expect("a time in the id").to_unix();
        assert_eq!(
            (seconds, nanos / 1_000_000),
            (created.timestamp().cast_unsigned(), created.timestamp_subsec_millis())
        );
        ids.push(body["created_at"].as_str().expect("a time").to_owned());
    }
    assert!(ids.is_sorted());
}

#[tokio::test]
async fn field_mappings_keep_digits_and_are_sorted_by_name() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let written = r#"{"field_mappings":{ "b" : [1.50, 1e2, 0.1000000000000000000001], "a":{"z":null,"é":"\u0041"} }}"#;
    let canonical = r#""field_mappings":{"a":{"z":null,"é":"A"},"b":[1.50,1e2,0.1000000000000000000001]}"#;
    let created = create_json(&app, &tenant, written).await;
    let read = app.get(&tenant, created.header("location")).await;
    assert!(created.text.contains(canonical), "{}", created.text);
    assert!(read.text.contains(canonical), "{}", read.text);
}

#[tokio::test]
async fn remote_data_accepts_only_true_and_false() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let create = async |query: &str| {
        let request = tenant
            .request(Method::POST, &format!("{PAYMENTS}{query}"))
            .header("content-type", "application/json")
            .body(small_payment().to_string().into());
        app.send(request.expect("a request")).await
    };
    for query in ["?remote_data=true", "?remote_data=false", "?", ""] {
        let answer = create(query).await;
        assert_eq!(answer.status, 201, "{query}");
        assert_eq!(answer.json()["remote_data"], Value::Null);
    }
    for query in ["?remote_data=1", "?remote_data=True", "?remote_data=", "?remote_data"] {
        let answer = create(query).await;
        assert_eq!(answer.problem(), (422, "invalid_query".to_owned()), "{query}");
        assert_eq!(answer.faults(), [("remote_data".to_owned(), "invalid_boolean".to_owned())], "{query}");
    }
    let answer = create("?remote_data=true&remote_data=true&remoteData=true").await;
    let (places, codes): (Vec<_>, Vec<_>) = answer.faults().into_iter().unzip();
    assert_eq!(places, ["remote_data", "remoteData"]);
    assert_eq!(codes, ["duplicate_parameter", "unknown_parameter"]);
    assert!(answer.text.contains("did you mean `remote_data`?"), "{}", answer.text);
    assert_eq!(app.count().await, 4);
}
