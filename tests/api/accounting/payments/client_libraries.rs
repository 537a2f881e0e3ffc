//! What the two client libraries send, to the byte, and what they can decode (contract §1).

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use unibooks::router::problem_types;

use crate::support::app::{Answer, App, PAYMENTS, Tenant};

const PY_CREATE: &str = include_str!("../../../clients/requests/py_create.http");
const TS_CREATE: &str = include_str!("../../../clients/requests/ts_create.http");
const PY_LIST: &str = include_str!("../../../clients/requests/py_list.http");
const TS_LIST: &str = include_str!("../../../clients/requests/ts_list.http");

/// Sends the bytes of a recorded request with a tenant's key and token, and with more headers.
async fn send(app: &App, tenant: &Tenant, recorded: &str, further: &[(&str, &str)]) -> Answer {
    let (head, body) = recorded.split_once("\r\n\r\n").expect("a head and a body");
    let (request_line, headers) = head.split_once("\r\n").expect("a request line");
    let [method, path, "HTTP/1.1"] = request_line.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{request_line}");
    };
    let mut request = Request::builder().method(method).uri(path);
    for line in headers.split("\r\n") {
        let (name, value) = line.split_once(':').expect("a header");
        let value = match name.to_ascii_lowercase().as_str() {
            "x-api-key" => &tenant.api_key,
            "x-connection-token" => &tenant.connection_token,
            "content-length" => {
                assert_eq!(value.trim(), body.len().to_string(), "the recording was changed");
                value.trim()
            }
            _ => value.trim(),
        };
        request = request.header(name, value);
    }
    for (name, value) in further {
        request = request.header(*name, *value);
    }
    app.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

/// §1.3: `YYYY-MM-DDTHH:MM:SS`, a fraction of 3, 6 or 9 digits or none, and `Z` or `±HH:MM`.
fn is_timestamp(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let Some(rest) = shape.strip_prefix("0000-00-00T00:00:00") else { return false };
    let fraction = [".000000000", ".000000", ".000"].iter().find_map(|fraction| rest.strip_prefix(fraction));
    matches!(fraction.unwrap_or(rest), "Z" | "+00:00" | "-00:00")
}

fn is_uuid(text: &str) -> bool {
    text.parse::<uuid::Uuid>().is_ok_and(|id| id.to_string() == text)
}

/// Checks that both libraries can decode a member.
#[track_caller]
fn assert_member(object: &Value, name: &str, may_be_null: bool, fits: impl Fn(&Value) -> bool) {
    let value = object.get(name).unwrap_or_else(|| panic!("no `{name}` in {object}"));
    assert!(fits(value) || (may_be_null && value.is_null()), "`{name}` is {value}");
}

/// Checks that both libraries can decode a payment (contract §1.2 to §1.5).
#[track_caller]
fn assert_decodes(payment: &Value) {
    let text = |value: &Value| value.is_string();
    let timestamp = |value: &Value| value.as_str().is_some_and(is_timestamp);
    let id = |value: &Value| value.as_str().is_some_and(is_uuid);
    let number = |value: &Value| value.is_i64();
    let ids = |value: &Value| value.as_array().is_some_and(|ids| ids.iter().all(id));

    assert_member(payment, "id", false, id);
    for name in ["invoice_id", "contact_id", "account_id", "company_info_id", "accounting_period_id"] {
        assert_member(payment, name, true, id);
    }
    for name in ["currency", "exchange_rate", "type", "remote_id"] {
        assert_member(payment, name, true, text);
    }
    for name in ["field_mappings", "remote_data"] {
        assert_member(payment, name, true, Value::is_object);
    }
    for name in ["transaction_date", "remote_updated_at"] {
        assert_member(payment, name, true, timestamp);
    }
    for name in ["created_at", "modified_at"] {
        assert_member(payment, name, false, timestamp);
    }
    assert_member(payment, "total_amount", true, number);
    assert_member(payment, "tracking_categories", true, ids);
    assert_member(payment, "line_items", false, Value::is_array);
    for item in payment["line_items"].as_array().expect("an array") {
        for name in ["name", "type", "parent_item", "remote_id"] {
            assert_member(item, name, true, text);
        }
        assert_member(item, "value", true, number);
        assert_member(item, "company_info_id", true, id);
        assert_member(item, "remote_generated_at", true, timestamp);
        for name in ["created_at", "modified_at"] {
            assert_member(item, name, false, timestamp);
        }
    }
}

#[track_caller]
fn assert_created(answer: &Answer) {
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_decodes(&answer.json());
}

#[test]
fn timestamp_check_finds_what_breaks_a_decoder() {
    for right in ["2024-06-15T12:00:00Z", "2024-06-15T12:00:00.123Z", "2024-06-15T12:00:00.123456+05:30"] {
        assert!(is_timestamp(right), "{right}");
    }
    for wrong in [
        "2024-06-15",
        "2024-06-15T12:00Z",
        "2024-06-15T12:00:00",
        "2024-06-15T12:00:00z",
        "2024-06-15 12:00:00Z",
        "2024-06-15T12:00:00+00",
        "2024-06-15T12:00:00.5Z",
        "+10000-01-01T00:00:00Z",
    ] {
        assert!(!is_timestamp(wrong), "{wrong}");
    }
}

#[tokio::test]
async fn both_libraries_create_the_example() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for recorded in [PY_CREATE, TS_CREATE] {
        let answer = send(&app, &tenant, recorded, &[]).await;
        assert_created(&answer);
        let body = answer.json();
        assert_eq!(body["total_amount"], 10_000);
        assert_eq!(body["exchange_rate"], "1.2");
        assert_eq!(body["transaction_date"], "2024-06-15T12:00:00Z");
        assert_eq!(body["line_items"][0]["value"], 100_000);
        assert_eq!(body["line_items"][0]["remote_generated_at"], "2024-07-01T12:00:00Z");
        assert_eq!(body["field_mappings"], json!({}));
        assert_eq!(body.get("warnings"), None, "the libraries send nothing unknown");
    }
    assert_eq!(app.count().await, 2);
}

#[tokio::test]
async fn replays_decode_in_both_libraries() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let key = [("idempotency-key", "one")];
    let first = send(&app, &tenant, PY_CREATE, &key).await;
    assert_created(&first);
    for recorded in [PY_CREATE, TS_CREATE] {
        let again = send(&app, &tenant, recorded, &key).await;
        assert_created(&again);
        assert_eq!(again.text, first.text);
    }
}

#[tokio::test]
async fn both_libraries_decode_every_page_of_a_list() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for recorded in [PY_LIST, TS_LIST] {
        let empty = send(&app, &tenant, recorded, &[]).await;
        assert_eq!(empty.json(), json!({ "prev_cursor": null, "next_cursor": null, "data": [] }));
    }
    for body in [PY_CREATE, TS_CREATE] {
        send(&app, &tenant, body, &[]).await;
    }
    for _ in 0..49 {
        app.create(&tenant, &json!({ "line_items": [{}] })).await;
    }
    for (recorded, with_cursor) in [(PY_LIST, "limit=50.0&"), (TS_LIST, "")] {
        let first = send(&app, &tenant, recorded, &[]).await;
        assert_eq!(first.status, 200, "{}", first.text);
        assert_eq!(first.header("content-type"), "application/json");
        let first = first.json();
        assert_eq!(first["prev_cursor"], Value::Null);
        assert_eq!(first["data"].as_array().map(Vec::len), Some(50));
        let next = first["next_cursor"].as_str().expect("a second page");
        let last = app.get(&tenant, &format!("{PAYMENTS}?{with_cursor}cursor={next}")).await.json();
        assert_eq!(last.get("next_cursor"), Some(&Value::Null));
        assert!(last["prev_cursor"].is_string());
        assert_eq!(last["data"].as_array().map(Vec::len), Some(1));
        for page in [first, last] {
            page["data"].as_array().expect("payments").iter().for_each(assert_decodes);
        }
    }
}

#[tokio::test]
async fn every_accepted_payment_decodes_when_read() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for body in [
        json!({}),
        json!({ "line_items": null, "field_mappings": null, "tracking_categories": [] }),
        json!({ "line_items": [{}], "transaction_date": "2024-06-15", "total_amount": 0 }),
        json!({ "transaction_date": "2024-06-15T12:00:00.1+05:45" }),
        json!({ "line_items": [{ "created_at": "2024-06-15T12:00:00.12345Z", "modified_at": "0001-01-01" }] }),
        json!({ "transaction_date": "9999-12-31T23:59:59.999999999+23:59" }),
    ] {
        let created = app.create(&tenant, &body).await;
        assert_created(&created);
        let read = app.get(&tenant, created.header("location")).await;
        assert_eq!(read.status, 200);
        assert_decodes(&read.json());
    }
}

#[tokio::test]
async fn times_outside_the_range_of_decoders_are_refused() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    // In UTC the first is in the year 10000 and the second in the year 0.
    for time in ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00"] {
        for member in ["created_at", "modified_at", "remote_generated_at", "applied_date"] {
            let answer = app.create(&tenant, &json!({ "line_items": [{ member: time }] })).await;
            assert_eq!(answer.status, 422, "{}", answer.text);
            assert_eq!(answer.faults(), [(format!("/line_items/0/{member}"), "invalid_date_time".to_owned())]);
        }
    }
}

#[tokio::test]
async fn naive_dates_of_the_python_library_are_read() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let recorded = PY_CREATE
        .replace("\"transaction_date\":\"2024-06-15T12:00:00Z\"", "\"transaction_date\":\"2024-06-15T12:00:00\"");
    let recorded = recorded.replace("Content-Length: 827", "Content-Length: 826");
    let answer = send(&app, &tenant, &recorded, &[]).await;
    assert_created(&answer);
    assert_eq!(answer.json()["transaction_date"], "2024-06-15T12:00:00Z");
}

#[tokio::test]
async fn errors_decode_and_are_not_repeated_by_libraries() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let stranger = app.tenant().await;
    let mixed = Tenant { connection_token: stranger.connection_token, ..tenant.clone() };
    let broken = PY_CREATE.replace("\"currency\":\"USD\"", "\"currency\":\"XXY\"");
    for (tenant, recorded, status) in
        [(&mixed, PY_CREATE, 401), (&mixed, TS_LIST, 401), (&tenant, broken.as_str(), 422)]
    {
        let answer = send(&app, tenant, recorded, &[]).await;
        assert_eq!(answer.problem().0, status);
        assert_eq!(answer.json()["retryable"], false);
    }
    for kind in problem_types() {
        let repeated = [429, 500, 502, 503, 504].contains(&kind.status.as_u16());
        assert_eq!(kind.retryable(), repeated, "{}", kind.code);
    }
}

#[tokio::test]
async fn root_is_text_and_health_is_a_number() {
    let app = App::new().await;
    let get = async |path: &str| app.send(Request::get(path).body(Body::empty()).expect("a request")).await;
    let hello = get("/").await;
    assert_eq!(hello.status, 200);
    assert!(hello.header("content-type").starts_with("text/plain"), "{}", hello.header("content-type"));
    let health = get("/health").await;
    assert_eq!((health.status.as_u16(), health.json()), (200, json!(200)));
    assert_eq!(health.header("content-type"), "application/json");
}
