//! The digests under which earlier versions stored idempotent requests: a repetition of such a request is recognised
//! for as long as the payment is kept, so they never change.

use axum::http::Method;

use crate::support::app::{App, PAYMENTS, Tenant};

const ALL_MEMBERS: &str = r#"{
    "invoice_id": "11111111-1111-4111-8111-111111111111",
    "transaction_date": "2024-06-15T12:00:00.5+02:00",
    "contact_id": "22222222-2222-4222-8222-222222222222",
    "account_id": "33333333-3333-4333-8333-333333333333",
    "currency": "eur",
    "exchange_rate": "1.20",
    "total_amount": 10000,
    "type": "Credit \"Card\" é",
    "company_info_id": "44444444-4444-4444-8444-444444444444",
    "accounting_period_id": "55555555-5555-4555-8555-555555555555",
    "tracking_categories": ["66666666-6666-4666-8666-666666666666", "77777777-7777-4777-8777-777777777777"],
    "line_items": [{
        "name": "Net Income",
        "value": -100000,
        "type": "Operating Activities",
        "parent_item": "parent",
        "remote_id": "report_item_1234",
        "remote_generated_at": "2024-07-01T12:00:00.123456Z",
        "company_info_id": "88888888-8888-4888-8888-888888888888",
        "created_at": "2024-06-15T12:00:00+01:00",
        "modified_at": "2024-06-16",
        "applied_amount": 7,
        "applied_date": "2024-06-17T23:00:00-05:30",
        "related_object_id": "99999999-9999-4999-8999-999999999999",
        "related_object_type": "invoice"
    }],
    "field_mappings": { "b": [1.50, 1e3, null], "a": { "z": "é", "y": true } }
}"#;

/// Queries and bodies with their digests; those of one digest mean the same.
fn requests() -> Vec<(&'static str, String, &'static str)> {
    let items: Vec<_> = (0..200).map(|place| format!(r#"{{"value":{place},"name":"item {place}"}}"#)).collect();
    vec![
        ("", ALL_MEMBERS.to_owned(), "cf55756390c526ae528bc799dd15e4dfae1ac9a867d5054a7b7ff69e708feeb7"),
        (
            "?remote_data=true",
            ALL_MEMBERS.to_owned(),
            "bd4d32ece724aa333a060c54766800c2f2bcebcbbcafd0addf0c52b6d5cb335f",
        ),
        ("", "{}".to_owned(), "6f59ae7dfb3d6f81bdcdb16a2cc502ba30f994c36599f9ce01ed0f032cd62da2"),
        (
            "",
            r#"{"currency":null,"line_items":null,"tracking_categories":null,"unknown":1}"#.to_owned(),
            "6f59ae7dfb3d6f81bdcdb16a2cc502ba30f994c36599f9ce01ed0f032cd62da2",
        ),
        (
            "",
            r#"{"line_items":[],"field_mappings":null}"#.to_owned(),
            "6f59ae7dfb3d6f81bdcdb16a2cc502ba30f994c36599f9ce01ed0f032cd62da2",
        ),
        (
            "",
            r#"{"tracking_categories":[],"field_mappings":{}}"#.to_owned(),
            "625112dfeaca7133040f342bd621996c89f478a578174ace0b683abeba40fa05",
        ),
        (
            "",
            r#"{"line_items":[{},{"name":null}]}"#.to_owned(),
            "0fd71896784b2928235521e11112d972379a2fa11068bb4a673d489ed93b926c",
        ),
        (
            "",
            format!(r#"{{"line_items":[{}]}}"#, items.join(",")),
            "67990cee95d39f128fbbb2ffee4ef149d24f73593d0a7d7ff67c62d9a7ca7282",
        ),
        (
            "",
            r#"{"total_amount":10000,"line_items":[{"value":-5}]}"#.to_owned(),
            "ddf35143452a688375bee664202a54123767f0bb284048aca0b264d70e49a427",
        ),
        (
            "",
            r#"{ "line_items": [{"value": -0.5e1}], "total_amount": 1e4 }"#.to_owned(),
            "ddf35143452a688375bee664202a54123767f0bb284048aca0b264d70e49a427",
        ),
        (
            "",
            r#"{"total_amount":10000.0,"line_items":[{"value":-5.00}]}"#.to_owned(),
            "ddf35143452a688375bee664202a54123767f0bb284048aca0b264d70e49a427",
        ),
        (
            "",
            r#"{"transaction_date":"2024-06-15","currency":"USD"}"#.to_owned(),
            "f528dd876a1dfe5d7b322f31280f6137dfbad1b681b4d06368e941604d7e5f9e",
        ),
        (
            "",
            r#"{"transaction_date":"2024-06-15T00:00:00Z","currency":"usd"}"#.to_owned(),
            "f528dd876a1dfe5d7b322f31280f6137dfbad1b681b4d06368e941604d7e5f9e",
        ),
    ]
}

async fn digest(app: &App, tenant: &Tenant, query: &str, key: &str, body: String) -> String {
    let request = tenant
        .request(Method::POST, &format!("{PAYMENTS}{query}"))
        .header("content-type", "application/json")
        .header("idempotency-key", key);
    let answer = app.send(request.body(body.into()).expect("a request")).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let digest = sqlx::query_scalar("select encode(request_digest, 'hex') from payment where idempotency_key = $1");
    digest.bind(key).fetch_one(&mut app.connect().await).await.expect("a digest")
}

#[tokio::test]
async fn digests_are_those_of_earlier_versions() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for (number, (query, body, expected)) in requests().into_iter().enumerate() {
        let digest = digest(&app, &tenant, query, &number.to_string(), body.clone()).await;
        assert_eq!(digest, expected, "{query} {body}");
    }
}
