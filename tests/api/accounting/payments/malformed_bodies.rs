//! `POST /accounting/payments`: bodies that are not JSON, or without a JSON media type.

use axum::body::Body;
use axum::http::Method;

use crate::support::app::{Answer, App, PAYMENTS, Tenant};

const BODY: &str = r#"{"total_amount":1,"currency":"EUR"}"#;

async fn create(app: &App, tenant: &Tenant, body: impl Into<Body>) -> Answer {
    app.create_with(tenant, &[], body).await
}

#[tokio::test]
async fn invalid_json_is_a_400_with_its_place() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for body in [
        "{",
        "{}}",
        "{} {}",
        "[",
        "nul",
        "{'currency':'USD'}",
        r#"{"currency":}"#,
        r#"{"currency":"USD",}"#,
        r#"{"currency" "USD"}"#,
        r#"{currency:"USD"}"#,
        r#"{"total_amount":01}"#,
        r#"{"total_amount":.5}"#,
        r#"{"total_amount":5.}"#,
        r#"{"total_amount":+5}"#,
        r#"{"total_amount":NaN}"#,
        r#"{"total_amount":0x10}"#,
        r#"{"type":"\x41"}"#,
        r#"{"type":"\u12"}"#,
        "{\"type\":\"line\nbreak\"}",
        "// a payment\n{}",
        "total_amount=1&currency=EUR",
        "\u{a0}{}",
    ] {
        let answer = create(&app, &tenant, body).await;
        assert_eq!(answer.problem(), (400, "malformed_json".to_owned()), "{body}");
        assert!(answer.json()["detail"].as_str().expect("a text").contains("line"), "{}", answer.text);
    }
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn empty_body_is_no_payment() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for body in ["", " ", "\r\n"] {
        let answer = create(&app, &tenant, body).await;
        assert_eq!(answer.problem(), (400, "malformed_json".to_owned()), "{body:?}");
    }
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn byte_order_marks_and_other_encodings_are_refused() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let with_mark = [b"\xef\xbb\xbf", BODY.as_bytes()].concat();
    let utf_16: Vec<u8> = BODY.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for body in [with_mark, utf_16] {
        assert_eq!(create(&app, &tenant, body).await.problem(), (400, "malformed_json".to_owned()));
    }
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn invalid_utf_8_is_refused() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for body in [
        b"{\"type\":\"\xff\"}".to_vec(),
        b"{\"\xff\":1}".to_vec(),
        b"{\"field_mappings\":{\"a\":\"\xc3\"}}".to_vec(),
        // A surrogate and an overlong NUL, which some encoders produce.
        b"{\"type\":\"\xed\xa0\x80\"}".to_vec(),
        b"{\"type\":\"\xc0\x80\"}".to_vec(),
    ] {
        assert_eq!(create(&app, &tenant, body).await.problem(), (400, "malformed_json".to_owned()));
    }
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn white_space_is_ignored() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let body = "\r\n\t { \"total_amount\" : 1 ,\n\t\"line_items\" : [ { } ] } \n";
    let answer = create(&app, &tenant, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.json()["total_amount"], 1);
}

/// Sends the body with exactly these headers.
async fn send(app: &App, tenant: &Tenant, headers: &[(&str, &str)]) -> Answer {
    let mut request = tenant.request(Method::POST, PAYMENTS);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(BODY.into()).expect("a request")).await
}

#[tokio::test]
async fn body_needs_a_json_media_type() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for media_type in [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "text/json",
        "application/octet-stream",
        "application/jsonp",
        "application/xml; application/json",
        "",
    ] {
        let answer = send(&app, &tenant, &[("content-type", media_type)]).await;
        assert_eq!(answer.problem(), (415, "unsupported_media_type".to_owned()), "{media_type}");
    }
    assert_eq!(send(&app, &tenant, &[]).await.problem(), (415, "unsupported_media_type".to_owned()));
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn every_json_media_type_is_accepted() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for media_type in [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "Application/JSON ; x=y",
        "application/vnd.api+json",
    ] {
        let answer = send(&app, &tenant, &[("content-type", media_type)]).await;
        assert_eq!(answer.status, 201, "{media_type}: {}", answer.text);
    }
}

#[tokio::test]
async fn compressed_body_is_refused_unread() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for encoding in ["gzip", "br", "zstd", "deflate", "gzip, identity"] {
        let headers = [("content-type", "application/json"), ("content-encoding", encoding)];
        let answer = send(&app, &tenant, &headers).await;
        assert_eq!(answer.problem(), (415, "unsupported_media_type".to_owned()), "{encoding}");
        assert_eq!(answer.header("accept-encoding"), "identity");
    }
    assert_eq!(app.count().await, 0);
    let headers = [("content-type", "application/json"), ("content-encoding", "identity")];
    assert_eq!(send(&app, &tenant, &headers).await.status, 201);
}
