//! The answers have exactly the documented members, in forms that existing client libraries decode.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use unibooks::domain::references::Resource;
use unibooks::router;

use crate::support::app::App;
use crate::support::references::{Side, path, sample, store};

/// The members of a schema, also those that it takes over from others.
fn members(document: &Value, schema: &Value) -> BTreeSet<String> {
    let resolved = schema["$ref"]
        .as_str()
        .map_or(schema, |path| &document["components"]["schemas"][path.rsplit('/').next().expect("a name")]);
    let own = resolved["properties"].as_object().into_iter().flat_map(|members| members.keys().cloned());
    let taken = resolved["allOf"].as_array().into_iter().flatten().flat_map(|part| members(document, part));
    own.chain(taken).collect()
}

fn names(object: &Value) -> BTreeSet<String> {
    object.as_object().expect("an object").keys().cloned().collect()
}

#[tokio::test]
async fn answers_have_exactly_the_documented_members() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let document = serde_json::to_value(router::openapi()).expect("JSON");
    let of_call = |path: &str| {
        let schema = &document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        members(&document, schema)
    };
    for &resource in Resource::ALL {
        let id = store(&app, &tenant, resource, "15", &sample(resource, Side::One, "a")).await;
        let page = app.get(&tenant, path(resource)).await.json();
        assert_eq!(names(&page), of_call(path(resource)));
        let object = app.get(&tenant, &format!("{}/{id}", path(resource))).await.json();
        assert_eq!(names(&object), of_call(&format!("{}/{{id}}", path(resource))), "{resource:?}");
    }
}

#[tokio::test]
async fn members_are_answered_as_they_were_read() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for &resource in Resource::ALL {
        let sent = sample(resource, Side::One, "ü");
        let id = store(&app, &tenant, resource, "15", &sent).await;
        let mut answered = app.get(&tenant, &format!("{}/{id}", path(resource))).await.json();
        let object = answered.as_object_mut().expect("an object");
        assert_eq!(object.remove("id"), Some(json!(id)));
        assert_eq!(object.remove("remote_id"), Some(json!("15")));
        assert_eq!(object.remove("remote_updated_at"), Some(json!("2026-11-01T00:00:00Z")));
        for (name, value) in
            [("remote_data", Value::Null), ("field_mappings", Value::Null), ("remote_was_deleted", json!(false))]
        {
            assert_eq!(object.remove(name), Some(value), "{name}");
        }
        assert!(object.remove("created_at").is_some_and(|time| time.is_string()));
        assert!(object.remove("modified_at").is_some_and(|time| time.is_string()));
        assert_eq!(answered, sent, "{resource:?}");
    }
}

/// What an older version stored may lack a member. The libraries refuse null arrays, and null line items in the first
/// place (resources contract, section 1.3).
#[tokio::test]
async fn arrays_are_never_null_with_any_stored_members() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    for &resource in Resource::ALL {
        let sent = sample(resource, Side::One, "a");
        let arrays: Vec<_> = sent.as_object().expect("members").iter().filter(|(_, value)| value.is_array()).collect();
        let id = store(&app, &tenant, resource, "empty", &json!({})).await;
        let object = app.get(&tenant, &format!("{}/{id}", path(resource))).await;
        assert_eq!(object.status, 200, "{}", object.text);
        for (name, _) in arrays {
            assert_eq!(object.json()[name], json!([]), "{resource:?}: {name}");
        }
        assert_eq!(names(&object.json()).len(), sent.as_object().expect("members").len() + 8);
    }
}

#[tokio::test]
async fn digits_of_numbers_are_kept() {
    let app = App::new().await;
    let tenant = app.tenant().await;
    let invoice = sample(Resource::Invoice, Side::One, "a");
    let id = store(&app, &tenant, Resource::Invoice, "15", &invoice).await;
    let text = r#"{"exchange_rate":"1.20","line_items":[{"quantity":1.50,"tracking_categories":[]}],"balance":9007199254740991}"#;
    sqlx::query("update reference set fields = $1::json")
        .bind(text)
        .execute(&mut app.connect().await)
        .await
        .expect("set");
    let answer = app.get(&tenant, &format!("/accounting/invoices/{id}")).await.text;
    for part in [r#""quantity":1.50"#, r#""exchange_rate":"1.20""#, r#""balance":9007199254740991"#] {
        assert!(answer.contains(part), "{part} in {answer}");
    }
}
