//! `POST /accounting/payments`: for every limit, the largest allowed value and the smallest refused one.

use axum::body::Body;
use serde_json::{Value, json};

use crate::support::app::{Answer, App, Tenant};

const ID: &str = "801f9ede-c698-4e66-a7fc-48d19eebaa4f";
const MIB: usize = 1_048_576;

/// The members of a payment and of its line items that are free text.
const TEXTS: &[&str] = &["type"];
const ITEM_TEXTS: &[&str] = &["name", "type", "parent_item", "remote_id", "related_object_type"];

#[track_caller]
fn assert_refused(answer: &Answer, pointer: &str, code: &str) {
    assert_eq!(answer.problem(), (422, "invalid_body".to_owned()));
    assert_eq!(answer.faults(), [(pointer.to_owned(), code.to_owned())]);
}

/// A payment in which every free text is `text`.
fn with_texts(text: &str) -> Value {
    let members = |names: &[&str]| names.iter().map(|&name| (name.to_owned(), json!(text))).collect::<Value>();
    let mut body = members(TEXTS);
    body["line_items"] = json!([members(ITEM_TEXTS)]);
    body
}

#[tokio::test]
async fn texts_have_at_most_1024_characters() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for character in ["x", "é", "漢", "🦀"] {
        let longest = character.repeat(1_024);
        let answer = app.create(&tenant, &with_texts(&longest)).await;
        assert_eq!(answer.status, 201, "{character}: {}", answer.text);
        assert_eq!(answer.json()["type"], json!(longest));
        let read = app.get(&tenant, answer.header("location")).await.json();
        for name in ITEM_TEXTS {
            assert_eq!(read["line_items"][0][name], json!(longest), "{name}");
        }

        let answer = app.create(&tenant, &with_texts(&character.repeat(1_025))).await;
        let mut expected: Vec<_> = TEXTS.iter().map(|name| format!("/{name}")).collect();
        expected.extend(ITEM_TEXTS.iter().map(|name| format!("/line_items/0/{name}")));
        let mut places: Vec<_> = answer
            .faults()
            .into_iter()
            .map(|(place, code)| {
                assert_eq!(code, "too_long", "{place}");
                place
            })
            .collect();
        places.sort();
        expected.sort();
        assert_eq!(places, expected);
    }
    assert_eq!(app.count().await, 4);
}

#[tokio::test]
async fn payment_has_at_most_1000_line_items() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let items =
        |count: usize| json!({ "line_items": (0..count).map(|value| json!({ "value": value })).collect::<Vec<_>>() });
    let answer = app.create(&tenant, &items(1_000)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let read = app.get(&tenant, answer.header("location")).await.json();
    let values: Vec<_> =
        read["line_items"].as_array().expect("items").iter().map(|item| item["value"].clone()).collect();
    assert_eq!(values, (0..1_000).map(|value| json!(value)).collect::<Vec<_>>());
    assert_refused(&app.create(&tenant, &items(1_001)).await, "/line_items", "too_many_items");
    assert_eq!(app.count().await, 1);
}

#[tokio::test]
async fn payment_has_at_most_100_tracking_categories() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let answer = app.create(&tenant, &json!({ "tracking_categories": vec![ID; 100] })).await;
    assert_eq!(answer.json()["tracking_categories"].as_array().map(Vec::len), Some(100));
    let answer = app.create(&tenant, &json!({ "tracking_categories": vec![ID; 101] })).await;
    assert_refused(&answer, "/tracking_categories", "too_many_items");
}

#[tokio::test]
async fn field_mappings_have_at_most_64_kib() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let of_size = |bytes: usize| format!(r#"{{ "a" : "{}" }}"#, "x".repeat(bytes - r#"{"a":""}"#.len()));
    let create =
        async |mappings: String| app.create_with(&tenant, &[], format!(r#"{{"field_mappings":{mappings}}}"#)).await;
    let answer = create(of_size(65_536)).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json()["field_mappings"]["a"].as_str().map(str::len), Some(65_528));
    assert_refused(&create(of_size(65_537)).await, "/field_mappings", "too_large");
    assert_refused(&create(of_size(500_000)).await, "/field_mappings", "too_large");
}

#[tokio::test]
async fn field_mappings_have_at_most_64_levels() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let create = async |arrays: usize| {
        let body = format!(r#"{{"field_mappings":{{"a":{}{}}}}}"#, "[".repeat(arrays), "]".repeat(arrays));
        app.create_with(&tenant, &[], body).await
    };
    assert_eq!(create(63).await.status, 201);
    assert_refused(&create(64).await, "/field_mappings", "too_deep");
    // Small enough not to be `too_large`, and deep enough to overflow the stack of a recursive parser.
    assert_refused(&create(60_000).await, "/field_mappings", "too_deep");
}

/// A valid body of exactly `size` bytes.
fn body_of(size: usize) -> String {
    let body = r#"{"total_amount":1}"#;
    format!("{}{body}", " ".repeat(size - body.len()))
}

/// Sends a body without its size in a header.
async fn stream(app: &App, tenant: &Tenant, body: String) -> Answer {
    app.create_with(tenant, &[], Body::from_stream(Body::from(body).into_data_stream())).await
}

#[tokio::test]
async fn body_has_at_most_one_mebibyte() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    assert_eq!(app.create_with(&tenant, &[], body_of(MIB)).await.status, 201);
    assert_eq!(stream(&app, &tenant, body_of(MIB)).await.status, 201);
    for answer in [app.create_with(&tenant, &[], body_of(MIB + 1)).await, stream(&app, &tenant, body_of(MIB + 1)).await]
    {
        assert_eq!(answer.problem(), (413, "body_too_large".to_owned()));
        assert!(answer.text.contains("1048576"), "{}", answer.text);
    }
    assert_eq!(app.count().await, 2);
}
