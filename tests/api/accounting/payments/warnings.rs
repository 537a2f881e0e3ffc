//! `POST /accounting/payments`: warnings about accepted input that the client may have meant differently.

use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::support::app::{App, page_example};

/// The warnings of a successful create call.
async fn warnings_of(body: &str) -> Value {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let answer = app.create_with(&tenant, &[], body.to_owned()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json().get("warnings").cloned().unwrap_or_default()
}

#[tokio::test]
async fn unknown_member_is_ignored_with_a_warning() {
    let body = json!({ "totalAmount": 1, "x-note": "kept nowhere", "line_items": [{}, { "valeu": 3, "currency": "EUR", "type": "a" }] });
    assert_json_snapshot!(warnings_of(&body.to_string()).await, @r#"
    [
      {
        "code": "unknown_member",
        "detail": "`currency` is not a known member and was ignored",
        "pointer": "/line_items/1/currency"
      },
      {
        "code": "unknown_member",
        "detail": "`valeu` is not a known member and was ignored; did you mean `value`?",
        "pointer": "/line_items/1/valeu"
      },
      {
        "code": "unknown_member",
        "detail": "`totalAmount` is not a known member and was ignored; did you mean `total_amount`?",
        "pointer": "/totalAmount"
      },
      {
        "code": "unknown_member",
        "detail": "`x-note` is not a known member and was ignored",
        "pointer": "/x-note"
      }
    ]
    "#);
}

#[tokio::test]
async fn unknown_member_fails_no_request() {
    for value in ["null", "{\"a\":1,\"a\":2}", "\"\\ud800\"", "\"\\u0000\"", "1e999", "[[[[]]]]"] {
        let warnings = warnings_of(&format!(r#"{{"id":{value},"type":"a"}}"#)).await;
        assert_eq!(warnings[0]["code"], "unknown_member", "{value}");
        assert_eq!(warnings[0]["pointer"], "/id", "{value}");
    }
}

#[tokio::test]
async fn names_in_a_warning_are_escaped() {
    let warnings = warnings_of(r#"{"a/b~c":1,"n\u0000l":2,"type":"a"}"#).await;
    let pointers: Vec<_> = warnings.as_array().expect("warnings").iter().map(|warning| &warning["pointer"]).collect();
    assert_eq!(pointers, ["/a~1b~0c", "/n\u{fffd}l"]);
}

#[tokio::test]
async fn warnings_are_bounded_in_number_and_length() {
    let names: Vec<_> = (0..500).map(|number| format!(r#""{}{number}":1"#, "long".repeat(100))).collect();
    let warnings = warnings_of(&format!(r#"{{"type":"a",{}}}"#, names.join(","))).await;
    assert_eq!(warnings.as_array().expect("warnings").len(), 100);
    assert!(warnings[0]["detail"].as_str().expect("a text").len() < 200);
}

#[tokio::test]
async fn date_without_offset_is_utc_with_a_warning() {
    let body = json!({
        "transaction_date": "2024-06-15T12:00:00",
        "line_items": [{ "created_at": "2024-06-15T12:00:00.5" }],
    });
    assert_json_snapshot!(warnings_of(&body.to_string()).await, @r#"
    [
      {
        "code": "date_without_offset",
        "detail": "has no offset and was read as UTC",
        "pointer": "/transaction_date"
      },
      {
        "code": "date_without_offset",
        "detail": "has no offset and was read as UTC",
        "pointer": "/line_items/0/created_at"
      }
    ]
    "#);
}

#[tokio::test]
async fn digits_below_a_microsecond_are_dropped_with_a_warning() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let answer = app.create(&tenant, &json!({ "transaction_date": "2024-06-15T12:00:00.1234569Z" })).await;
    assert_eq!(answer.json()["transaction_date"], "2024-06-15T12:00:00.123456Z");
    assert_json_snapshot!(answer.json()["warnings"], @r#"
    [
      {
        "code": "date_too_fine",
        "detail": "is finer than a microsecond; the digits after the sixth were dropped",
        "pointer": "/transaction_date"
      }
    ]
    "#);
}

#[tokio::test]
async fn warnings_are_absent_without_a_reason() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let mut body = page_example();
    body["transaction_date"] = json!("2024-06-15");
    let answer = app.create(&tenant, &body).await;
    assert_eq!(answer.json().get("warnings"), None);
}
