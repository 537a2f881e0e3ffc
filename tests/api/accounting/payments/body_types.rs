//! `POST /accounting/payments`: every member with every JSON type.

use serde_json::{Map, Value, json};

use crate::support::app::App;

/// The type of each member of a payment. A member of the OpenAPI document without a row here fails the test.
const PAYMENT: &[(&str, &str)] = &[
    ("invoice_id", "string"),
    ("transaction_date", "string"),
    ("contact_id", "string"),
    ("account_id", "string"),
    ("currency", "string"),
    ("exchange_rate", "string"),
    ("total_amount", "number"),
    ("type", "string"),
    ("company_info_id", "string"),
    ("accounting_period_id", "string"),
    ("tracking_categories", "array"),
    ("line_items", "array"),
    ("field_mappings", "object"),
];

/// The type of each member of a line item.
const LINE_ITEM: &[(&str, &str)] = &[
    ("name", "string"),
    ("value", "number"),
    ("type", "string"),
    ("parent_item", "string"),
    ("remote_id", "string"),
    ("remote_generated_at", "string"),
    ("company_info_id", "string"),
    ("created_at", "string"),
    ("modified_at", "string"),
    ("applied_amount", "number"),
    ("applied_date", "string"),
    ("related_object_id", "string"),
    ("related_object_type", "string"),
];

/// One value of each JSON type.
fn values() -> Vec<(&'static str, Value)> {
    vec![
        ("boolean", json!(true)),
        ("boolean", json!(false)),
        ("number", json!(1)),
        ("string", json!("1")),
        ("array", json!([])),
        ("object", json!({})),
    ]
}

/// The type with its article, as in the texts of faults.
fn with_article(kind: &str) -> String {
    let article = if matches!(kind, "array" | "object") { "an" } else { "a" };
    format!("{article} {kind}")
}

/// An object in which every member is `value`.
fn all(members: &[(&str, &str)], value: &Value) -> Map<String, Value> {
    members.iter().map(|(name, _)| ((*name).to_owned(), value.clone())).collect()
}

/// The pointer and detail of each `wrong_type` in the refusal of `body`.
async fn wrong_types(app: &App, body: &Value) -> Vec<(String, String)> {
    let tenant = app.tenant().await;
    let answer = app.create(&tenant, body).await;
    let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
    let text = |fault: &Value, key: &str| fault[key].as_str().expect("a text").to_owned();
    errors
        .iter()
        .filter(|fault| fault["code"] == "wrong_type")
        .map(|fault| (text(fault, "pointer"), text(fault, "detail")))
        .collect()
}

/// The expected faults of an object at `at` if all its members have the type `kind`.
fn expected(members: &[(&str, &str)], at: &str, kind: &str) -> Vec<(String, String)> {
    let detail = |right: &str| format!("expected {}, found {}", with_article(right), with_article(kind));
    members
        .iter()
        .filter(|(_, right)| *right != kind)
        .map(|(name, right)| (format!("{at}/{name}"), detail(right)))
        .collect()
}

#[tokio::test]
async fn every_member_of_a_payment_refuses_every_other_type() {
    let app = App::new().await;
    for (kind, value) in values() {
        let body = Value::Object(all(PAYMENT, &value));
        assert_eq!(wrong_types(&app, &body).await, expected(PAYMENT, "", kind), "{value}");
    }
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn every_member_of_a_line_item_refuses_every_other_type() {
    let app = App::new().await;
    for (kind, value) in values() {
        let body = json!({ "line_items": [{}, all(LINE_ITEM, &value)] });
        assert_eq!(wrong_types(&app, &body).await, expected(LINE_ITEM, "/line_items/1", kind), "{value}");
    }
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn elements_of_lists_refuse_every_other_type_and_null() {
    let app = App::new().await;
    for (list, right) in [("tracking_categories", "string"), ("line_items", "object")] {
        for (kind, value) in values().into_iter().chain([("null", Value::Null)]) {
            let faults = wrong_types(&app, &json!({ list: [value] })).await;
            let found = if kind == "null" { "null".to_owned() } else { with_article(kind) };
            let fault = (format!("/{list}/0"), format!("expected {}, found {found}", with_article(right)));
            assert_eq!(faults, if kind == right { vec![] } else { vec![fault] }, "{list} of {kind}");
        }
    }
}

#[tokio::test]
async fn body_that_is_no_object_is_refused_at_its_root() {
    let app = App::new().await;
    for (kind, value) in values().into_iter().filter(|(kind, _)| *kind != "object") {
        let detail = format!("expected an object, found {}", with_article(kind));
        assert_eq!(wrong_types(&app, &value).await, [(String::new(), detail)]);
    }
    let detail = "expected an object, found null".to_owned();
    assert_eq!(wrong_types(&app, &Value::Null).await, [(String::new(), detail)]);
    assert_eq!(app.count().await, 0);
}

#[tokio::test]
async fn deeply_nested_value_is_one_wrong_type() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let deep = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
    for body in [format!(r#"{{"total_amount":{deep}}}"#), deep.clone(), format!(r#"{{"line_items":[{deep}]}}"#)] {
        let answer = app.create_with(&tenant, &[], body).await;
        assert_eq!(answer.faults().len(), 1);
        assert_eq!(answer.faults()[0].1, "wrong_type");
    }
}

/// The members of a schema in the OpenAPI document, each with its type other than null.
pub fn documented(schema: &str) -> Vec<(String, String)> {
    let api = serde_json::to_value(unibooks::router::openapi()).expect("JSON");
    let properties = api["components"]["schemas"][schema]["properties"].as_object().expect("members").clone();
    let plain = |schema: &Value| {
        let types = match &schema["type"] {
            Value::String(one) => vec![one.clone()],
            many => serde_json::from_value(many.clone()).expect("types"),
        };
        let kind = types.into_iter().find(|kind| kind != "null").expect("a type besides null");
        if kind == "integer" { "number".to_owned() } else { kind }
    };
    let mut members: Vec<_> = properties.iter().map(|(name, schema)| (name.clone(), plain(schema))).collect();
    members.sort();
    members
}

#[test]
fn tables_have_every_documented_member_and_its_type() {
    for (schema, table) in [("PaymentData", PAYMENT), ("LineItem", LINE_ITEM)] {
        let mut rows: Vec<_> = table.iter().map(|&(name, kind)| (name.to_owned(), kind.to_owned())).collect();
        rows.sort();
        assert_eq!(documented(schema), rows, "{schema}");
    }
}
